import { isEwkb } from "../geometry/ewkb";
import { type Batch, badValue, type ColumnBuilder } from "./builder";
import { SHORT_BYTES, ShortStrings } from "./short-strings";
import type { Field, GeometryColumn } from "./types";

/** Reads one geometry as CARTO writes it, in upper-case hexadecimal EWKB; returns undefined for other bytes. */
export function geometryAt({ bytes, view }: Batch, at: number, end: number): string | undefined {
  return isEwkb(view, at, end) ? hex(bytes, at, end) : undefined;
}

const hex = (bytes: Buffer, at: number, end: number) => bytes.toString("hex", at, end).toUpperCase();

export class GeometryBuilder implements ColumnBuilder {
  readonly #values: (string | null)[] = [];
  readonly #short = new ShortStrings();
  readonly #field: Field;

  constructor(field: Field) {
    this.#field = field;
  }

  append(batch: Batch, field: number): void {
    const values = this.#values;
    const short = this.#short;
    for (let r = 0, i = field; r < batch.rows; r++, i += batch.stride) {
      const size = batch.length[i]!; // i is below the size of the batch
      const at = batch.at[i]!;
      if (size === -1) values.push(null);
      else if (!isEwkb(batch.view, at, at + size)) {
        throw badValue(this.#field, values.length, `the ${size} bytes are not a geometry`);
      } else if (size <= SHORT_BYTES) {
        short.add(values.length, batch, at, at + size);
        values.push(null);
      } else values.push(hex(batch.bytes, at, at + size));
    }
    short.moveTo(values, "hex");
  }

  async finish(): Promise<{ column: GeometryColumn }> {
    return { column: { ...this.#field, kind: "geometry", values: this.#values } };
  }
}
