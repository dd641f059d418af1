/** Whether a cell of a frame holds nothing: danfo's NaN, null, or undefined. */
export const isMissing = (value: unknown) => value === null || value === undefined || Number.isNaN(value);

/** Whether a value is an object with named members, no array. */
export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The words of a text, for lists that read better as one line. */
export const words = (list: string): ReadonlySet<string> => new Set(list.split(/\s+/));
