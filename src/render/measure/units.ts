/** Writes lengths and areas for people. */

const FOOT_M = 0.3048;
const MILE_M = 5280 * FOOT_M;
const ACRE_M2 = 4840 * (3 * FOOT_M) ** 2;

/** Countries whose people measure in miles. */
const MILES = ["US", "GB", "LR"];

/** True if readers of a BCP 47 language tag, such as "en-US", are used to miles. */
export function usesMiles(language: string): boolean {
  try {
    return MILES.includes(new Intl.Locale(language).region ?? "");
  } catch {
    return false;
  }
}

/** Writes a length: `85 m`, `12.3 km`; `withMiles` adds `(7.64 mi)`. */
export function lengthText(metres: number, withMiles = false): string {
  const metric = metres < 1000 ? unit(metres, "m", 1) : unit(metres / 1000, "km");
  const miles = metres / MILE_M;
  return withMiles
    ? `${metric} (${miles < 0.1 ? unit(metres / FOOT_M, "ft", 0) : unit(miles, "mi")})`
    : metric;
}

/** Writes an area: `640 m²`, `12.3 km²`; `withMiles` adds `(4.75 mi²)`. */
export function areaText(squareMetres: number, withMiles = false): string {
  const metric = squareMetres < 1e5 ? unit(squareMetres, "m²", 1) : unit(squareMetres / 1e6, "km²");
  if (!withMiles) return metric;
  const acres = squareMetres / ACRE_M2;
  const squareMiles = squareMetres / MILE_M ** 2;
  const other =
    acres < 0.1
      ? unit(squareMetres / FOOT_M ** 2, "ft²", 0)
      : squareMiles < 1
        ? unit(acres, "ac")
        : unit(squareMiles, "mi²");
  return `${metric} (${other})`;
}

/** Writes a number with at most `digits` digits after the point, fewer the larger it is. */
function unit(value: number, name: string, digits = 2): string {
  const maximumFractionDigits = value < 100 ? digits : value < 1000 ? Math.max(0, digits - 1) : 0;
  return `${value.toLocaleString("en-US", { maximumFractionDigits })} ${name}`;
}
