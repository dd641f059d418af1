import type { Plan } from "../analyse";
import { ImportFailure } from "../errors";
import type { TableSource } from "../table-source";
import { cellWriter } from "../types";

const CHUNK_CHARS = 256 * 1024;

/**
 * Yields the rows in the text format of COPY, and returns the number of geometries that cannot be used.
 * @throws ImportFailure the reason for the first geometry, if none can be used
 */
export async function* copyText(source: TableSource, plan: Plan): AsyncGenerator<Buffer, number> {
  const geometries = new GeometryTexts();
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
      if (i === geometryAt && geometry !== null) chunk += `${geometries.text(geometry.of(row))}\t`;
      chunk += escapeCopy(write(row.values[at]));
    }
    if (geometry !== null && columns.length <= geometryAt) {
      chunk += `${columns.length > 0 ? "\t" : ""}${geometries.text(geometry.of(row))}`;
    }
    chunk += "\n";
    if (chunk.length < CHUNK_CHARS) continue;
    yield Buffer.from(chunk);
    chunk = "";
  }
  if (chunk) yield Buffer.from(chunk);
  return geometries.failuresUnlessAll();
}

const SPECIAL = /[\\\t\n\r]/;
const ESCAPED: Readonly<Record<string, string>> = { "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r" };

/** Escapes a value for COPY's text format: https://www.postgresql.org/docs/current/sql-copy.html */
function escapeCopy(text: string | null): string {
  if (text === null) return "\\N";
  return SPECIAL.test(text) ? text.replace(/[\\\t\n\r]/g, (character) => ESCAPED[character] ?? "") : text;
}

type Geometry = ReturnType<NonNullable<Plan["geometry"]>["of"]>;

/** Writes geometries for COPY. One that cannot be used is NULL; the import fails only if none can be used. */
class GeometryTexts {
  #hasUsable = false;
  #failures = 0;
  #firstFailure: ImportFailure | undefined;

  text(geometry: Geometry): string {
    if (geometry === null) return "\\N";
    if (geometry instanceof ImportFailure) {
      this.#failures++;
      this.#firstFailure ??= geometry;
      return "\\N";
    }
    this.#hasUsable = true;
    return typeof geometry === "string" ? geometry : geometry.hex;
  }
  failuresUnlessAll(): number {
    if (this.#firstFailure && !this.#hasUsable) throw this.#firstFailure;
    return this.#failures;
  }
}
