declare module "cartocolor" {
  /** Hexadecimal colours by their number, "2" to "7". Qualitative schemes go to "11" and end with an additional grey. */
  export interface CartoColors {
    readonly [count: string]: readonly string[];
    /** "quantitative", "diverging", "qualitative", "aggregation", "colorblind" */
    readonly tags: readonly string[];
  }
  export const Antique: CartoColors;
  export const ArmyRose: CartoColors;
  export const BluGrn: CartoColors;
  export const BluYl: CartoColors;
  export const Bold: CartoColors;
  export const BrwnYl: CartoColors;
  export const Burg: CartoColors;
  export const BurgYl: CartoColors;
  export const DarkMint: CartoColors;
  export const Earth: CartoColors;
  export const Emrld: CartoColors;
  export const Fall: CartoColors;
  export const Geyser: CartoColors;
  export const Magenta: CartoColors;
  export const Mint: CartoColors;
  export const OrYel: CartoColors;
  export const Pastel: CartoColors;
  export const Peach: CartoColors;
  export const PinkYl: CartoColors;
  export const Prism: CartoColors;
  export const Purp: CartoColors;
  export const PurpOr: CartoColors;
  export const RedOr: CartoColors;
  export const Safe: CartoColors;
  export const Sunset: CartoColors;
  export const SunsetDark: CartoColors;
  export const Teal: CartoColors;
  export const TealGrn: CartoColors;
  export const TealRose: CartoColors;
  export const Temps: CartoColors;
  export const Tropic: CartoColors;
  export const Vivid: CartoColors;
  export const ag_GrnYl: CartoColors;
  export const ag_Sunset: CartoColors;
}
