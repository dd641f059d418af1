/** Columnar files as tables: Parquet, GeoParquet, Arrow and Feather. */
import { extname } from "node:path";
import { LNGLAT } from "../../../geometry/crs";
import { ImportFailure } from "../errors";
import { loadLayer } from "../gdal/load-layer";
import { ImportWorker } from "../import-worker";
import type { LayerSource } from "../table-source";
import { type FileToImport, firstBytes, withoutExtension } from "../unpack";
import type { FromColumnar, PlannedColumn, ToColumnar } from "./file";

export const COLUMNAR_EXTENSIONS = [
  ".parquet",
  ".geoparquet",
  ".pq",
  ".arrow",
  ".arrows",
  ".feather",
  ".ipc",
] as const;

/** Memory of the thread, besides that of the values, which is outside of the heap. */
const MAX_HEAP_MB = 2048;

type Answer = Exclude<FromColumnar, { kind: "failed" }>;

/**
 * Returns the table of the file; null if the file has another format.
 * @throws ImportFailure 2001
 */
export async function openColumnar(file: FileToImport, signal: AbortSignal): Promise<LayerSource[] | null> {
  const head = (await firstBytes(file.path, 6)).toString("latin1");
  if (head.startsWith("FEA1")) {
    throw new ImportFailure(
      2001,
      `${file.name} is a Feather file of version 1. Write it again with version 2, the default of pyarrow.`,
    );
  }
  const isKnown = (COLUMNAR_EXTENSIONS as readonly string[]).includes(extname(file.name).toLowerCase());
  if (!isKnown && !/^(?:PAR1|ARROW1)/.test(head)) return null;
  const load: LayerSource["load"] = async (engine, table) => {
    const thread = new Thread(file, signal);
    try {
      const columns = await thread.open();
      let unusableGeometries = 0;
      const rows = thread.rows((count) => {
        unusableGeometries = count;
      });
      const content = await loadLayer(engine, table, { layer: layerOf(columns), rows, signal });
      return { ...content, unusableGeometries };
    } finally {
      await thread.close();
    }
  };
  return [{ kind: "layer", name: withoutExtension(file.name), load }];
}

function layerOf(columns: readonly PlannedColumn[]): Parameters<typeof loadLayer>[2]["layer"] {
  return {
    hasIds: false,
    geometries: columns.flatMap((column) =>
      column.kind === "geometry"
        ? [{ name: column.name, projection: column.crs === LNGLAT ? null : column.crs }]
        : [],
    ),
    fields: columns.flatMap((column) =>
      column.kind === "values" ? [{ name: column.name, type: column.pgType }] : [],
    ),
  };
}

/** The thread of one file. */
class Thread {
  readonly #worker: ImportWorker<ToColumnar, FromColumnar>;
  readonly #file: FileToImport;

  constructor(file: FileToImport, signal: AbortSignal) {
    this.#file = file;
    const resourceLimits = { maxOldGenerationSizeMb: MAX_HEAP_MB };
    this.#worker = new ImportWorker({
      program: "columnar-worker.js",
      resourceLimits,
      reader: "the reader",
      signal,
    });
  }

  async open(): Promise<readonly PlannedColumn[]> {
    const answer = await this.#ask({ kind: "open", path: this.#file.path });
    return answer.kind === "columns" ? answer.columns : [];
  }

  /** @param onEnd receives the number of geometries that cannot be used */
  async *rows(onEnd: (unusableGeometries: number) => void): AsyncGenerator<Uint8Array> {
    for (;;) {
      const answer = await this.#ask({ kind: "rows" });
      if (answer.kind === "end") onEnd(answer.unusableGeometries);
      if (answer.kind !== "rows") return;
      yield answer.text;
    }
  }

  close(): Promise<void> {
    return this.#worker.end();
  }

  async #ask(request: ToColumnar): Promise<Answer> {
    const answer = await this.#worker.ask(request);
    if (answer.kind !== "failed") return answer;
    const { code, detail } = answer;
    throw new ImportFailure(code, code === 2001 ? `${this.#file.name} cannot be read: ${detail}` : detail);
  }
}
