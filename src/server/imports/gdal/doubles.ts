import { createReadStream } from "node:fs";

const MAGIC_BYTES = 8;
/** Position of `properties` in a feature's table of offsets, after the sizes and `geometry`. */
const PROPERTIES_AT = 6;

/**
 * Yields the numbers of each feature of a FlatGeobuf file without index whose columns are all of type double. A missing
 * value has no element. The format: https://flatgeobuf.org
 */
export async function* doublesOf(path: string): AsyncGenerator<readonly number[]> {
  let rest: Buffer = Buffer.alloc(0);
  let isHeader = true;
  for await (const chunk of createReadStream(path)) {
    rest = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    let at = isHeader ? MAGIC_BYTES : 0;
    while (at + 4 <= rest.length) {
      const end = at + 4 + rest.readUInt32LE(at);
      if (end > rest.length) break;
      if (!isHeader) yield numbersOf(rest.subarray(at + 4, end));
      isHeader = false;
      at = end;
    }
    if (!isHeader) rest = rest.subarray(at);
  }
}

function numbersOf(feature: Buffer): number[] {
  const table = feature.readUInt32LE(0);
  const offsets = table - feature.readInt32LE(table);
  const hasProperties = feature.readUInt16LE(offsets) > PROPERTIES_AT;
  const offset = hasProperties ? feature.readUInt16LE(offsets + PROPERTIES_AT) : 0;
  if (offset === 0) return [];
  const properties = table + offset + feature.readUInt32LE(table + offset);
  const end = properties + 4 + feature.readUInt32LE(properties);
  const numbers: number[] = [];
  for (let at = properties + 4; at < end; at += 10) {
    numbers[feature.readUInt16LE(at)] = feature.readDoubleLE(at + 2);
  }
  return numbers;
}
