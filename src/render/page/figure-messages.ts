/** What the maps and charts of a figure tell each other, through the page of the figure around them. */

/** Centre in degrees, or as positions of a plane, and zoom. */
export interface SharedView {
  readonly lng: number;
  readonly lat: number;
  readonly zoom: number;
}

export type FigureMessage =
  /** A map has fitted its data, or shall show what suits all maps. */
  | { readonly kind: "first-view"; readonly view: SharedView }
  /** The view has moved; `animated` if it is on its way there. */
  | { readonly kind: "view"; readonly view: SharedView; readonly animated: boolean }
  /** The pointer is over a position, in degrees as Leaflet counts them, or has left the map. */
  | { readonly kind: "hover"; readonly at: readonly [lng: number, lat: number] | null }
  /** Rows of a source fail the filters of a view, those with bit 1 (see `RowBits`); null if it has no filter. */
  | { readonly kind: "filter"; readonly source: number; readonly failed: Uint8Array | null }
  /** Classes of a layer's colours are hidden in the maps of `facet`. */
  | { readonly kind: "classes"; readonly layer: number; readonly hidden: readonly number[] }
  /** Layers with these names are hidden in the maps of `facet`. */
  | { readonly kind: "layers"; readonly hidden: readonly string[] };

/** Number of bytes that hold a bit for each row. */
export const bytesOfRows = (rows: number): number => (rows + 7) >>> 3;

export const hasBit = (bits: Uint8Array, row: number): boolean =>
  ((bits[row >>> 3] ?? 0) & (1 << (row & 7))) !== 0;

export function setBit(bits: Uint8Array, row: number): void {
  bits[row >>> 3]! |= 1 << (row & 7); // `!`: the array has a bit for each row
}

/** Returns the rows that fail in any of some views; undefined if none of them has a filter. */
export function anyOf(all: readonly (Uint8Array | null | undefined)[]): Uint8Array | undefined {
  const some = all.filter((bits) => bits instanceof Uint8Array);
  if (some.length < 2) return some[0];
  const joined = new Uint8Array(Math.max(...some.map(({ length }) => length)));
  for (const bits of some) for (let i = 0; i < bits.length; i++) joined[i]! |= bits[i]!;
  return joined;
}
