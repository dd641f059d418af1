/** Worker thread of columnar files: writes their rows as text for COPY. */
import { parentPort } from "node:worker_threads";
import { asFailure, ImportFailure } from "../errors";
import { escapeCopy } from "../load";
import { firstBytes } from "../unpack";
import { openArrow } from "./arrow";
import type { ColumnarFile, FileColumn, FromColumnar, PlannedColumn, ToColumnar } from "./file";
import { GeometryColumn } from "./geometry";
import { openParquet } from "./parquet";

const CHUNK_CHARS = 256 * 1024;

const port = parentPort!;
let file: ColumnarFile;
let writers: readonly Writer[];
let texts: AsyncIterator<Buffer> | undefined;

let last = Promise.resolve();
port.on("message", (request: ToColumnar) => {
  last = last.then(async () => port.postMessage(await answer(request)));
});

async function answer(request: ToColumnar): Promise<FromColumnar> {
  try {
    return request.kind === "open" ? await openFile(request.path) : await nextRows();
  } catch (error) {
    // The readers have no errors of their own: any error means that the file is damaged or has an unknown feature.
    const { code, detail } = error instanceof ImportFailure ? error : asFailure(error, 2001);
    return { kind: "failed", code, detail };
  }
}

async function openFile(path: string): Promise<FromColumnar> {
  const isParquet = /^PAR/.test((await firstBytes(path, 4)).toString("latin1"));
  file = await (isParquet ? openParquet(path) : openArrow(path));
  writers = file.columns.map(writerOf);
  return { kind: "columns", columns: file.columns.map(planned) };
}

function planned(column: FileColumn): PlannedColumn {
  const { name } = column;
  return column.kind === "geometry"
    ? { kind: "geometry", name, crs: column.crs }
    : { kind: "values", name, pgType: column.type.pgType };
}

/** Returns the text of a value; null for NULL. */
type Writer = GeometryColumn | { text(value: unknown): string | null };

function writerOf(column: FileColumn): Writer {
  if (column.kind === "geometry") return new GeometryColumn(column.encoding, column.crs !== null);
  const { text } = column.type;
  return { text: (value) => (value === null || value === undefined ? null : text(value)) };
}

async function nextRows(): Promise<FromColumnar> {
  texts ??= copyText();
  const { done, value } = await texts.next();
  if (!done) return { kind: "rows", text: value };
  const geometries = writers.filter((writer) => writer instanceof GeometryColumn);
  for (const geometry of geometries) geometry.check();
  return { kind: "end", unusableGeometries: geometries.reduce((sum, { failures }) => sum + failures, 0) };
}

async function* copyText(): AsyncGenerator<Buffer> {
  let chunk = "";
  for await (const { rowCount, columns } of file.batches()) {
    for (let row = 0; row < rowCount; row++) {
      for (let i = 0; i < columns.length; i++) {
        // `!`: one writer per column
        chunk += (i > 0 ? "\t" : "") + escapeCopy(writers[i]!.text(columns[i]!(row)));
      }
      chunk += "\n";
      if (chunk.length < CHUNK_CHARS) continue;
      yield Buffer.from(chunk);
      chunk = "";
    }
  }
  if (chunk) yield Buffer.from(chunk);
}
