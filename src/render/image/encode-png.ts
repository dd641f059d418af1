/** Painted canvases as PNG files (https://www.w3.org/TR/png-3/). */
import { deflateSync } from "node:zlib";
import type { Canvas } from "@napi-rs/canvas";
import { countPixels, indexer, paletteOf } from "./palette";

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
const BITS_PER_CHANNEL = 8;
const COLOR_TYPE = { rgb: 2, palette: 3, rgba: 6 } as const;
const FILTER = { none: 0, paeth: 4 } as const;
const MAX_COLORS = 256;

/**
 * The canvas' pixels. Maps are areas of one colour: unfiltered, and without an alpha channel where all is opaque, they
 * take a third less than what Skia's encoder makes of them, in less time.
 */
export function encodePng(canvas: Canvas): Uint8Array {
  const { width, height } = canvas;
  const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
  const [pixels, channels] = isOpaque(data) ? ([withoutAlpha(data), 3] as const) : ([data, 4] as const);
  return fileOf(canvas, {
    colorType: channels === 3 ? "rgb" : "rgba",
    body: compressed(pixels, width * channels, height, channels),
  });
}

/**
 * The picture that stands in for a live map, in 256 colours: half of the bytes. The eye hardly sees it, as
 * only edges and ramps have more.
 */
export function encodeStill(canvas: Canvas): Uint8Array {
  const { width, height } = canvas;
  const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
  if (!isOpaque(data)) return encodePng(canvas);
  const pixels = new Uint32Array(data.buffer, data.byteOffset, data.length / 4);
  const palette = paletteOf(countPixels(pixels), MAX_COLORS);
  const body = deflateSync(unfiltered(Uint8Array.from(pixels, indexer(palette)), width, height));
  return fileOf(canvas, { colorType: "palette", palette: Uint8Array.from(palette.flat()), body });
}

interface Image {
  readonly colorType: keyof typeof COLOR_TYPE;
  /** Red, green and blue of each colour. */
  readonly palette?: Uint8Array;
  /** Deflated. */
  readonly body: Uint8Array;
}

function fileOf({ width, height }: Canvas, { colorType, palette, body }: Image): Uint8Array {
  const header = new DataView(new ArrayBuffer(13)); // the rest is 0: deflate, the five filters, not interlaced
  header.setUint32(0, width);
  header.setUint32(4, height);
  header.setUint8(8, BITS_PER_CHANNEL);
  header.setUint8(9, COLOR_TYPE[colorType]);
  return Buffer.concat([
    SIGNATURE,
    ...chunk("IHDR", new Uint8Array(header.buffer)),
    ...(palette ? chunk("PLTE", palette) : []),
    ...chunk("IDAT", body),
    ...chunk("IEND", new Uint8Array(0)),
  ]);
}

/** Photographs, such as satellite tiles, are smaller as differences from their neighbours. */
function compressed(pixels: Uint8ClampedArray, rowBytes: number, rows: number, channels: number): Uint8Array {
  const plain = deflateSync(unfiltered(pixels, rowBytes, rows));
  if (plain.length < (rowBytes / channels) * rows) return plain; // less than a byte per pixel
  const predicted = deflateSync(paeth(pixels, rowBytes, rows, channels));
  return predicted.length < plain.length ? predicted : plain;
}

function unfiltered(pixels: Uint8ClampedArray | Uint8Array, rowBytes: number, rows: number): Uint8Array {
  const bytes = new Uint8Array((rowBytes + 1) * rows);
  for (let row = 0; row < rows; row++) {
    bytes[row * (rowBytes + 1)] = FILTER.none;
    bytes.set(pixels.subarray(row * rowBytes, (row + 1) * rowBytes), row * (rowBytes + 1) + 1);
  }
  return bytes;
}

/** Each byte as its difference from that of its neighbours, left, above or both, which their gradient points to. */
function paeth(pixels: Uint8ClampedArray, rowBytes: number, rows: number, channels: number): Uint8Array {
  const bytes = new Uint8Array((rowBytes + 1) * rows);
  let at = 0;
  for (let row = 0; row < rows; row++) {
    bytes[at++] = FILTER.paeth;
    for (let column = 0; column < rowBytes; column++) {
      const i = row * rowBytes + column;
      const left = column < channels ? 0 : pixels[i - channels]!;
      const above = row === 0 ? 0 : pixels[i - rowBytes]!;
      const corner = column < channels || row === 0 ? 0 : pixels[i - rowBytes - channels]!;
      bytes[at++] = pixels[i]! - nearest(left, above, corner);
    }
  }
  return bytes;
}

function nearest(left: number, above: number, corner: number): number {
  const toLeft = Math.abs(above - corner);
  const toAbove = Math.abs(left - corner);
  const toCorner = Math.abs(left + above - 2 * corner);
  if (toLeft <= toAbove && toLeft <= toCorner) return left;
  return toAbove <= toCorner ? above : corner;
}

function isOpaque(rgba: Uint8ClampedArray): boolean {
  for (let at = 3; at < rgba.length; at += 4) if (rgba[at] !== 255) return false;
  return true;
}

function withoutAlpha(rgba: Uint8ClampedArray): Uint8ClampedArray {
  const rgb = new Uint8ClampedArray((rgba.length / 4) * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4) {
    rgb[to++] = rgba[from]!;
    rgb[to++] = rgba[from + 1]!;
    rgb[to++] = rgba[from + 2]!;
  }
  return rgb;
}

/** Length, type and data, and the check sum of the last two. */
function chunk(type: string, data: Uint8Array): Uint8Array[] {
  const checked = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(checked));
  return [length, checked, sum];
}

/** `zlib.crc32` is not in all versions of Node.js 20. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ CRC_TABLE[(crc ^ byte) & 0xff]!;
  return ~crc >>> 0;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});
