import type { Engine, StatementOptions } from "../engine/engine";
import { Refusal } from "../guard";
import type { Row } from "../row-stream";

/** A query whose result is written in one of the formats. */
export interface ExportRequest {
  readonly engine: Engine;
  /** A single query, already wrapped for paging and ordering. */
  readonly query: string;
  readonly skipFields: ReadonlySet<string>;
  /** Number of decimal digits of coordinates. */
  readonly decimals: number;
  /** Title of the document, for formats that have one. */
  readonly title: string;
  readonly options: StatementOptions;
  /** Folder for temporary files. Each export has a folder of its own in it. */
  readonly dir: string;
  /** Registers a function that releases resources when the answer ends, even if it was not read to the end. */
  readonly onEnd: (free: () => void) => void;
}

/** Resolves to the pieces of the answer's body once the query has succeeded. */
export type Export = (request: ExportRequest) => Promise<AsyncIterable<string | Uint8Array>>;

/** The geometry column that formats write. If a query lacks it, PostgreSQL reports the missing column. */
export const GEOMETRY = "the_geom";

/** Collects all rows, for formats that cannot be written row by row. */
export async function collectRows(
  rows: AsyncIterable<Row>,
  format: string,
  maxChars: number,
): Promise<Row[]> {
  const collected: Row[] = [];
  let chars = 0;
  for await (const row of rows) {
    for (const value of row) chars += value?.length ?? 0;
    if (chars > maxChars) {
      throw new Refusal(
        400,
        `The result is too large for ${format}. Use a LIMIT, or the format geojson or csv.`,
      );
    }
    collected.push(row);
  }
  return collected;
}
