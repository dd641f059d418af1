/**
 * Encodes which rows of a figure's sources the features of a map are, and decodes it: the other views of the figure filter them.
 *
 *     column of one number: layers
 *     { column of two numbers: source + 1, or 0 for a layer without a source; features   column of rows } for each layer
 *
 * For columns see `byte-columns.ts`.
 */
import { ColumnReader, encodePlanes } from "./byte-columns";

/** The features of a layer as rows of a source. */
interface LinkedRows {
  /** Number of the source in the figure. */
  readonly source: number;
  /** Row of each feature in the page. */
  readonly rows: Uint32Array;
}

export type LayerLinks = readonly (LinkedRows | undefined)[];

export function encodeLinks(links: LayerLinks): Uint8Array {
  const columns = links.flatMap((link) =>
    link ? [Uint32Array.of(link.source + 1, link.rows.length), link.rows] : [Uint32Array.of(0, 0)],
  );
  const parts = [Uint32Array.of(links.length), ...columns].map(encodePlanes);
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** The inverse of `encodeLinks`. */
export function decodeLinks(bytes: Uint8Array): LayerLinks {
  const reader = new ColumnReader(bytes, 0);
  const [length = 0] = reader.planes(1);
  const links = Array.from({ length }, (): LinkedRows | undefined => {
    const [source = 0, count = 0] = reader.planes(2);
    return source === 0 ? undefined : { source: source - 1, rows: reader.planes(count) };
  });
  reader.expectEnd();
  return links;
}
