/** Worker thread of columnar files: writes their rows as text for COPY. */
import { parentPort } from "node:worker_threads";
import { crsNameOfSrid } from "../../../geometry/crs";
import { asFailure, ImportFailure } from "../errors";
import { firstBytes } from "../file";
import { escapeCopy } from "../reader/copy-text";
import { openArrow } from "./arrow";
import type { ColumnarFile, FileColumn, FromColumnar, PlannedColumn, ToColumnar } from "./file";
import { GeometryColumn } from "./geometry";
import { openParquet } from "./parquet";

const CHUNK_CHARS = 256 * 1024;

const port = parentPort!;
let file: ColumnarFile;
let writers: readonly Writer[];
let maxRows: number;
let texts: AsyncIterator<Buffer> | undefined;

port.on("message", async (request: ToColumnar) => port.postMessage(await answer(request)));

async function answer(request: ToColumnar): Promise<FromColumnar> {
  try {
    return request.kind === "open" ? await openFile(request) : await nextRows();
  } catch (error) {
    // The readers have no errors of their own: any error means that the file is damaged or has an unknown feature.
    const { code, detail } = error instanceof ImportFailure ? error : asFailure(error, 2001);
    return { kind: "failed", code, detail };
  }
}

async function openFile({
  path,
  srid,
  limit = Infinity,
}: Extract<ToColumnar, { kind: "open" }>): Promise<FromColumnar> {
  const isParquet = /^PAR/.test((await firstBytes(path, 4)).toString("latin1"));
  file = await (isParquet ? openParquet(path) : openArrow(path));
  maxRows = limit;
  const { rowCount } = file;
  const columns = srid === undefined ? file.columns : file.columns.map((column) => inSrid(column, srid));
  writers = columns.map(writerOf);
  return { kind: "columns", columns: columns.map(planned), rowCount };
}

function inSrid(column: FileColumn, srid: number): FileColumn {
  return column.kind === "geometry" ? { ...column, crs: crsNameOfSrid(srid) } : column;
}

function planned(column: FileColumn): PlannedColumn {
  const { name } = column;
  return column.kind === "geometry"
    ? { kind: "geometry", name, crs: column.crs, types: column.types }
    : { kind: "values", name, pgType: column.type.pgType };
}

/** Returns the text of a value; null for NULL. */
type Writer = GeometryColumn | { text(value: unknown): string | null };

function writerOf(column: FileColumn): Writer {
  if (column.kind === "geometry") return new GeometryColumn(column);
  const { text } = column.type;
  return { text: (value) => (value === null || value === undefined ? null : text(value)) };
}

async function nextRows(): Promise<FromColumnar> {
  texts ??= copyText();
  const { done, value } = await texts.next();
  if (!done) return { kind: "rows", text: value };
  const geometries = writers.filter((writer) => writer instanceof GeometryColumn);
  // The first one is the primary geometry.
  const unread = geometries.flatMap((geometry, i) =>
    geometry.unreadUnlessAll(i === 0 ? "the_geom" : geometry.name),
  );
  return { kind: "end", unread };
}

async function* copyText(): AsyncGenerator<Buffer> {
  let chunk = "";
  let left = maxRows;
  for await (const { rowCount, columns } of file.batches()) {
    for (let row = 0; row < rowCount && left > 0; row++, left--) {
      for (let i = 0; i < columns.length; i++) {
        // `!`: one writer per column
        chunk += (i > 0 ? "\t" : "") + escapeCopy(writers[i]!.text(columns[i]!(row)));
      }
      chunk += "\n";
      if (chunk.length < CHUNK_CHARS) continue;
      yield Buffer.from(chunk);
      chunk = "";
    }
    if (left === 0) break;
  }
  if (chunk) yield Buffer.from(chunk);
}
