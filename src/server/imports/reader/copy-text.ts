import type { Unread } from "../../../api/schemas/imports";
import type { Plan } from "../analyse";
import { ImportFailure } from "../errors";
import { GeometryTally } from "../geometry";
import type { TableSource } from "../table-source";
import { cellWriter } from "../types";

const CHUNK_CHARS = 256 * 1024;

/**
 * Yields the rows in the text format of COPY, and returns the values that cannot be read.
 * @throws ImportFailure the reason for the first geometry, if none can be used
 */
export async function* copyText(source: TableSource, plan: Plan): AsyncGenerator<Buffer, Unread[]> {
  const tally = new GeometryTally();
  const columns = [...(plan.id === null ? [] : [plan.id]), ...plan.columns].map(({ at, type }) => ({
    at,
    write: cellWriter(type),
  }));
  const geometryAt = plan.id === null ? 0 : 1;
  const { geometry } = plan;
  let chunk = "";
  for await (const row of source.rows()) {
    for (const [i, { at, write }] of columns.entries()) {
      if (i > 0) chunk += "\t";
      if (i === geometryAt && geometry !== null) chunk += `${geometryText(geometry.of(row), tally)}\t`;
      chunk += escapeCopy(write(row.values[at]));
    }
    if (geometry !== null && columns.length <= geometryAt) {
      chunk += `${columns.length > 0 ? "\t" : ""}${geometryText(geometry.of(row), tally)}`;
    }
    chunk += "\n";
    if (chunk.length < CHUNK_CHARS) continue;
    yield Buffer.from(chunk);
    chunk = "";
  }
  if (chunk) yield Buffer.from(chunk);
  return [...plan.unread, ...tally.unreadUnlessAll("the_geom")];
}

const SPECIAL = /[\\\t\n\r]/;
const ESCAPED: Readonly<Record<string, string>> = { "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r" };

/** Escapes a value for COPY's text format: https://www.postgresql.org/docs/current/sql-copy.html */
export function escapeCopy(text: string | null): string {
  if (text === null) return "\\N";
  return SPECIAL.test(text) ? text.replace(/[\\\t\n\r]/g, (character) => ESCAPED[character] ?? "") : text;
}

type Geometry = ReturnType<NonNullable<Plan["geometry"]>["of"]>;

function geometryText(geometry: Geometry, tally: GeometryTally): string {
  tally.nextRow();
  if (geometry === null) return "\\N";
  if (geometry instanceof ImportFailure) {
    tally.addFailure(geometry);
    return "\\N";
  }
  tally.addUsable();
  return typeof geometry === "string" ? geometry : geometry.hex;
}
