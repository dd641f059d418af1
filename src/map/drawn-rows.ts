/** The rows of a layer that the map draws: classes, legends and counts are about these rows only. */
import { MISSING_CLASS, type PathGeometry, type PointGeometry } from "../render/scene";
import type { StyleColumn } from "./layer-data";

/** `!` in this class: columns have a value for each row. */
export class DrawnRows {
  /** Number of drawn rows. */
  readonly count: number;
  readonly #rowCount: number;
  /** Distinct rows in ascending order; undefined if all rows are drawn. */
  readonly #rows: Uint32Array | undefined;

  /** @param rowCount number of rows of the layer, drawn or not */
  constructor({ rows }: PointGeometry | PathGeometry, rowCount: number) {
    this.#rowCount = rowCount;
    this.#rows = rows?.filter((row, i) => row !== rows[i - 1]);
    this.count = this.#rows?.length ?? rowCount;
  }

  /** Returns a column with the values of the drawn rows only. */
  pick(column: StyleColumn): StyleColumn {
    const rows = this.#rows;
    if (rows === undefined) return column;
    switch (column.kind) {
      case "number":
        return { ...column, values: pickNumbers(column.values, rows) };
      case "string":
        return { ...column, values: Array.from(rows, (row) => column.values[row]!) };
      case "boolean":
        return { ...column, values: Array.from(rows, (row) => column.values[row]!) };
    }
  }

  /** Returns the class of every row of the layer, given those of the drawn rows. */
  spread(classes: Uint8Array): Uint8Array {
    if (this.#rows === undefined) return classes;
    const ofRows = new Uint8Array(this.#rowCount).fill(MISSING_CLASS);
    for (let i = 0; i < this.#rows.length; i++) ofRows[this.#rows[i]!] = classes[i]!;
    return ofRows;
  }
}

/** A plain loop: `Float64Array.from` allocates an object for each value. */
function pickNumbers(values: Float64Array, rows: Uint32Array): Float64Array {
  const numbers = new Float64Array(rows.length);
  for (let i = 0; i < rows.length; i++) numbers[i] = values[rows[i]!]!;
  return numbers;
}
