import type { Engine, StatementOptions } from "../engine/engine";
import { Refusal } from "../guard";
import type { Row } from "../row-stream";

/** A query to be answered in one of the formats. */
export interface ExportRequest {
  readonly engine: Engine;
  /** One query, with paging and ordering around it. */
  readonly query: string;
  readonly skipFields: ReadonlySet<string>;
  /** Decimal digits of coordinates. */
  readonly decimals: number;
  /** Names the document, where a format has a place for that. */
  readonly title: string;
  readonly options: StatementOptions;
  /** Called once for whatever must be freed when the answer ends, read to the end or not. */
  readonly onEnd: (free: () => void) => void;
}

/** Resolves when the query has succeeded; its pieces are the answer's body. */
export type Export = (request: ExportRequest) => Promise<AsyncIterable<string | Uint8Array>>;

/** The geometry a format shows: where there is none, PostgreSQL says that the column does not exist. */
export const GEOMETRY = "the_geom";

/** All rows at once, for formats that must see everything before they can write anything. */
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
