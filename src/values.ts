/** True for a missing value of a frame: danfo.js's NaN, null, or undefined. */
export const isMissing = (value: unknown) => value === null || value === undefined || Number.isNaN(value);

/** True for an object with named members; false for an array. */
export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Splits a text into its words, for lists that read better on one line. */
export const words = (list: string): ReadonlySet<string> => new Set(list.split(/\s+/));

/** Returns the name, followed by the first number that makes it free if it is taken: `trees_1`. */
export function freeName(name: string, isTaken: (name: string) => boolean): string {
  let free = name;
  for (let n = 1; isTaken(free); n++) free = `${name}_${n}`;
  return free;
}

/** Parses JSON. Returns undefined, which no schema accepts, for text that is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** True for text such as `{"type": "FeatureCollection", …}`, passed where the name of a table is expected. */
export function isGeoJsonText(text: string): boolean {
  if (!/^\s*\{/.test(text)) return false;
  const value = parseJson(text);
  return isObject(value) && typeof value.type === "string";
}
