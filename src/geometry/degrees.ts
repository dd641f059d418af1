/** Recognizes coordinates that cannot be degrees, and the projected systems that they may belong to. */

type Range = readonly [min: number, max: number];

/** Data around the Pacific has longitudes up to 360; a rounded pole lies slightly beyond 90. */
const MAX_LNG = 360.001;
const MAX_LAT = 90.001;

interface System {
  readonly srid: number;
  readonly name: string;
  readonly x: Range;
  readonly y: Range;
}

/** Common systems and the coordinates of their areas of use, from the EPSG registry; the likeliest first. */
const SYSTEMS: readonly System[] = [
  { srid: 27700, name: "British National Grid", x: [0, 700_000], y: [0, 1_300_000] },
  { srid: 28992, name: "RD New, Netherlands", x: [0, 290_000], y: [290_000, 640_000] },
  { srid: 31370, name: "Belgian Lambert 72", x: [10_000, 310_000], y: [10_000, 260_000] },
  { srid: 2056, name: "LV95, Switzerland", x: [2_480_000, 2_840_000], y: [1_070_000, 1_300_000] },
  { srid: 21781, name: "LV03, Switzerland", x: [480_000, 840_000], y: [70_000, 300_000] },
  { srid: 2157, name: "Irish Transverse Mercator", x: [410_000, 770_000], y: [510_000, 970_000] },
  { srid: 31287, name: "Austria Lambert", x: [100_000, 700_000], y: [270_000, 590_000] },
  { srid: 2180, name: "Poland CS92", x: [140_000, 900_000], y: [90_000, 820_000] },
  { srid: 5514, name: "Krovak, Czechia and Slovakia", x: [-910_000, -150_000], y: [-1_450_000, -920_000] },
  { srid: 2154, name: "Lambert-93, France", x: [0, 1_300_000], y: [6_000_000, 7_200_000] },
  { srid: 2193, name: "New Zealand TM", x: [1_000_000, 2_200_000], y: [4_700_000, 6_300_000] },
  { srid: 31467, name: "Gauss-Krüger zone 3, Germany", x: [3_250_000, 3_800_000], y: [5_200_000, 6_150_000] },
  { srid: 3006, name: "SWEREF99 TM, Sweden", x: [180_000, 1_090_000], y: [6_090_000, 7_780_000] },
  { srid: 25830, name: "UTM zone 30N", x: [100_000, 900_000], y: [3_800_000, 7_000_000] },
  { srid: 25832, name: "UTM zone 32N", x: [100_000, 900_000], y: [3_800_000, 8_000_000] },
  { srid: 3035, name: "ETRS89 LAEA Europe", x: [2_400_000, 7_400_000], y: [1_300_000, 5_500_000] },
  { srid: 5070, name: "Conus Albers, United States", x: [-2_500_000, 2_350_000], y: [150_000, 3_300_000] },
  { srid: 3857, name: "Web Mercator", x: [-20_048_967, 20_048_967], y: [-20_048_967, 20_048_967] },
];
const MAX_NAMED = 3;

/** Counts geometries whose positions cannot be degrees. */
export class DegreeCheck {
  possible = 0;
  impossible = 0;
  #minX = Infinity;
  #minY = Infinity;
  #maxX = -Infinity;
  #maxY = -Infinity;

  /** Adds the `coordinates` of a geometry, nested as in GeoJSON. Ignores values that are not numbers. */
  add(coordinates: unknown): void {
    if (areDegrees(coordinates)) this.possible++;
    else {
      this.impossible++;
      this.#extend(coordinates);
    }
  }

  /** Describes the coordinates, with likely systems, if most of them are impossible; otherwise undefined. */
  problem(): string | undefined {
    if (this.impossible <= this.possible) return undefined;
    const x: Range = [this.#minX, this.#maxX];
    const y: Range = [this.#minY, this.#maxY];
    const found = `x is ${shown(x)} and y is ${shown(y)}`;
    if (this.isSwapped) return `${found}. Write longitude before latitude.`;
    const likely = SYSTEMS.filter((system) => within(x, system.x) && within(y, system.y)).slice(0, MAX_NAMED);
    if (likely.length === 0) return `${found}. Find out the coordinate system of the data.`;
    return `${found}: ${likely.map(({ srid, name }) => `${name} (EPSG:${srid})`).join(", or ")}?`;
  }

  /** True if the impossible positions are degrees with the latitude first. */
  get isSwapped(): boolean {
    return (
      within([this.#minX, this.#maxX], [-MAX_LAT, MAX_LAT]) && within([this.#minY, this.#maxY], [-180, 180])
    );
  }

  #extend(coordinates: unknown): void {
    if (!Array.isArray(coordinates)) return;
    const [x, y] = coordinates;
    if (typeof x !== "number" || typeof y !== "number") {
      for (const part of coordinates) this.#extend(part);
      return;
    }
    this.#minX = Math.min(this.#minX, x);
    this.#maxX = Math.max(this.#maxX, x);
    this.#minY = Math.min(this.#minY, y);
    this.#maxY = Math.max(this.#maxY, y);
  }
}

/** Returns false if a position in the `coordinates` of a geometry is out of the range of degrees. */
export function areDegrees(coordinates: unknown): boolean {
  if (!Array.isArray(coordinates)) return true;
  const [x, y] = coordinates;
  if (typeof x === "number" && typeof y === "number")
    return !(Math.abs(x) > MAX_LNG || Math.abs(y) > MAX_LAT); // NaN is empty
  return coordinates.every(areDegrees);
}

const within = ([min, max]: Range, [low, high]: Range) => min >= low && max <= high;

function shown([min, max]: Range): string {
  const text = (value: number) =>
    value.toLocaleString("en-US", { maximumFractionDigits: Math.abs(value) < 1000 ? 3 : 0 });
  return min === max ? text(min) : `from ${text(min)} to ${text(max)}`;
}
