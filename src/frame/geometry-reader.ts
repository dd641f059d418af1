import { type Batch, badValue, type ColumnBuilder } from "./builder";
import { isEwkb } from "./ewkb";
import type { Field, GeometryColumn } from "./types";

/** One geometry as CARTO writes it, upper case hexadecimal EWKB; undefined if the bytes are none. */
export function geometryAt({ bytes, view }: Batch, at: number, end: number): string | undefined {
  return isEwkb(view, at, end) ? bytes.toString("hex", at, end).toUpperCase() : undefined;
}

export class GeometryBuilder implements ColumnBuilder {
  private readonly values: (string | null)[] = [];

  constructor(private readonly field: Field) {}

  append(batch: Batch, field: number): void {
    for (let r = 0, i = field; r < batch.rows; r++, i += batch.stride) {
      const bytes = batch.length[i]!;
      const value = bytes === -1 ? null : geometryAt(batch, batch.at[i]!, batch.at[i]! + bytes);
      if (value === undefined) {
        throw badValue(this.field, this.values.length, `the ${bytes} bytes are not a geometry`);
      }
      this.values.push(value);
    }
  }

  async finish(): Promise<{ column: GeometryColumn }> {
    return { column: { ...this.field, kind: "geometry", values: this.values } };
  }
}
