/**
 * Encodes which rows of a figure's sources the features of a map are, and decodes it: the other views of the figure filter them.
 *
 *     u32 layers  { u32 source + 1, or 0 for a layer without a source  u32 features  column of rows } for each layer
 *
 * Integers are little-endian; for columns see `byte-columns.ts`.
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
  const parts: Uint8Array[] = [u32(links.length)];
  for (const link of links) {
    parts.push(u32(link ? link.source + 1 : 0), u32(link?.rows.length ?? 0));
    if (link) parts.push(encodePlanes(link.rows));
  }
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
  const number = () => {
    const four = reader.bytes(4);
    return new DataView(four.buffer, four.byteOffset, 4).getUint32(0, true);
  };
  const links = Array.from({ length: number() }, (): LinkedRows | undefined => {
    const source = number();
    const count = number();
    return source === 0 ? undefined : { source: source - 1, rows: reader.planes(count) };
  });
  reader.expectEnd();
  return links;
}

function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}
