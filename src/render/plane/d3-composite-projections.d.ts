declare module "d3-composite-projections/src/albersUsaTerritories.js" {
  import type { GeoProjection } from "d3-geo";

  interface GeoCompositeProjection extends GeoProjection {
    /** Returns the frames of the insets as an SVG path of `M`, `L` and `Z`. */
    getCompositionBorders(): string;
  }
  export default function geoAlbersUsaTerritories(): GeoCompositeProjection;
}
