/**
 * Encodes and decodes names of countries, states and cities: magic, version, the number of names, the length of their
 * texts in bytes, the texts (UTF-8, each followed by a line feed), then a column of numbers for each property. Numbers
 * are LEB128. Both functions handle the inflated bytes; files and pages contain them deflated.
 */

const NAME_KINDS = ["country", "state", "city", "capital"] as const;

/** A name with its place in world units. */
export interface PlaceName {
  readonly kind: (typeof NAME_KINDS)[number];
  readonly text: string;
  readonly x: number;
  readonly y: number;
  /** Width in world units that the name of an area may take; 0 for a city. */
  readonly room: number;
  /** Zoom from which it shows; the name of an area shows sooner if it fits into its room. */
  readonly zoom: number;
}

const MAGIC = [0x43, 0x46, 0x50, 0x4e]; // CFPN
const VERSION = 1;
/** Steps per world unit; one step is 150 m at the equator. */
const GRID = 2 ** 18;
const ZOOM_STEPS = 4;

/** The inverse of `decodeNames`; coordinates are rounded to the grid, zooms to quarters. Texts must not contain line feeds. */
export function encodeNames(names: readonly PlaceName[]): Uint8Array {
  const texts = new TextEncoder().encode(names.map(({ text }) => `${text}\n`).join(""));
  const numbers: number[] = [];
  for (const column of [
    ({ kind }: PlaceName) => NAME_KINDS.indexOf(kind),
    ({ zoom }: PlaceName) => Math.round(zoom * ZOOM_STEPS),
    ({ room }: PlaceName) => Math.round(room * GRID),
    ({ x }: PlaceName) => Math.round(x * GRID),
    ({ y }: PlaceName) => Math.round(y * GRID),
  ])
    for (const name of names) writeNumber(numbers, Math.max(0, column(name)));
  const head = [...MAGIC, VERSION];
  writeNumber(head, names.length);
  writeNumber(head, texts.length);
  return Uint8Array.from([...head, ...texts, ...numbers]);
}

/** @throws Error if the bytes have another format or version, or are cut off. */
export function decodeNames(bytes: Uint8Array): PlaceName[] {
  if (MAGIC.some((byte, i) => bytes[i] !== byte)) throw new Error(`Place names must start with "CFPN".`);
  const version = bytes[MAGIC.length];
  if (version !== VERSION)
    throw new Error(`The place names have version ${version}; this release reads version ${VERSION}.`);
  let at = MAGIC.length + 1;
  const next = () => {
    let value = 0;
    for (let factor = 1; ; factor *= 0x80) {
      const byte = bytes[at++];
      if (byte === undefined) throw new Error(`The place names are cut off after ${bytes.length} bytes.`);
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  };
  const [count, length] = [next(), next()];
  const texts = new TextDecoder().decode(bytes.subarray(at, at + length)).split("\n");
  at += length;
  const column = () => Array.from({ length: count }, next);
  const [kinds, zooms, rooms, xs, ys] = [column(), column(), column(), column(), column()];
  // `!`: each column has `count` numbers, and there are as many texts
  return kinds.map((kind, i) => ({
    kind: NAME_KINDS[kind] ?? "city",
    text: texts[i]!,
    x: xs[i]! / GRID,
    y: ys[i]! / GRID,
    room: rooms[i]! / GRID,
    zoom: zooms[i]! / ZOOM_STEPS,
  }));
}

function writeNumber(bytes: number[], value: number): void {
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
}
