/** Columnar files as tables: Parquet, GeoParquet, Arrow and Feather. */
import { extname } from "node:path";
import type { LayerDescription, Unread } from "../../../api/schemas/imports";
import { SRID_LNGLAT } from "../../../geo";
import { LNGLAT } from "../../../geometry/crs";
import { crsOfDefinition, crsOfSrid } from "../crs";
import { ImportFailure } from "../errors";
import { type FileToImport, firstBytes, withoutExtension } from "../file";
import { loadLayer } from "../gdal/load-layer";
import { ImportWorker, OWN_READER } from "../import-worker";
import { type Reading, readerLimit } from "../reading";
import type { Layer, LayerSource, LoadedContent } from "../table-source";
import type { FromColumnar, OpenOptions, PlannedColumn, ToColumnar } from "./file";

export const COLUMNAR_EXTENSIONS = [
  ".parquet",
  ".geoparquet",
  ".pq",
  ".arrow",
  ".arrows",
  ".feather",
  ".ipc",
] as const;

type Answer = Exclude<FromColumnar, { kind: "failed" }>;
type Header = Extract<FromColumnar, { kind: "columns" }>;

/**
 * Returns the table of the file; null if the file has another format.
 * @throws ImportFailure 2001
 */
export async function openColumnar(
  file: FileToImport,
  { reading, signal }: { readonly reading: Reading; readonly signal: AbortSignal },
): Promise<LayerSource[] | null> {
  if (!(await isColumnar(file))) return null;
  const { srid } = reading;
  const name = withoutExtension(file.name);
  const layer = { name, layer: name, file: file.name };
  const open = async <T>(limit: number | undefined, work: (thread: Thread, header: Header) => Promise<T>) => {
    const thread = new Thread(file, signal);
    try {
      return await work(thread, await thread.open({ srid, limit }));
    } finally {
      await thread.close();
    }
  };
  return [
    {
      ...layer,
      describe: () => open(undefined, async (_, header) => described(layer, header)),
      load: (engine, table) =>
        open(readerLimit(reading), async (thread, { columns }) => {
          const unread: Unread[] = [];
          const content = { layer: contentOf(columns), rows: thread.rows(unread), signal };
          const loaded = await loadLayer(engine, table, content);
          return loaded && { ...loaded, crs: crsOf(columns), unread: [...unread, ...loaded.unread] };
        }),
    },
  ];
}

/** @throws ImportFailure 2001 for the old format of Feather */
async function isColumnar({ path, name }: FileToImport): Promise<boolean> {
  const head = (await firstBytes(path, 6)).toString("latin1");
  if (head.startsWith("FEA1")) {
    throw new ImportFailure(
      2001,
      `${name} is a Feather file of version 1. Write it again with version 2, the default of pyarrow.`,
    );
  }
  const isNamed = (COLUMNAR_EXTENSIONS as readonly string[]).includes(extname(name).toLowerCase());
  return isNamed || /^(?:PAR1|ARROW1)/.test(head);
}

const isGeometry = (column: PlannedColumn) => column.kind === "geometry";

function contentOf(columns: readonly PlannedColumn[]): Parameters<typeof loadLayer>[2]["layer"] {
  return {
    hasIds: false,
    geometries: columns
      .filter(isGeometry)
      .map(({ name, crs }) => ({ name, projection: crs === LNGLAT ? null : crs })),
    fields: fieldsOf(columns),
  };
}

function fieldsOf(columns: readonly PlannedColumn[]) {
  return columns.flatMap((column) =>
    column.kind === "values" ? [{ name: column.name, type: column.pgType }] : [],
  );
}

function crsOf(columns: readonly PlannedColumn[]): LoadedContent["crs"] {
  const geometry = columns.find(isGeometry);
  if (geometry === undefined) return null;
  return geometry.crs === null
    ? { ...crsOfSrid(SRID_LNGLAT), is_assumed: true }
    : crsOfDefinition(geometry.crs);
}

function described({ layer, file }: Layer, { columns, rowCount }: Header): LayerDescription {
  const geometry = columns.find(isGeometry);
  return {
    name: layer,
    file,
    geometry: geometry ? commonType(geometry.types) : null,
    rows: rowCount,
    srid: crsOf(columns)?.srid ?? null,
    columns: fieldsOf(columns),
  };
}

/** Returns the type that the geometries have in the table, such as `MULTIPOLYGON`. */
function commonType(types: readonly string[]): string {
  const promoted = types.map((type) =>
    type
      .toUpperCase()
      .replace(/ [ZM]+$/, "")
      .replace(/^(?:LINESTRING|POLYGON)$/, "MULTI$&")
      .replace("MULTIPOINT", "POINT"),
  );
  const [first = "GEOMETRY", ...others] = new Set(promoted);
  return others.length > 0 ? "GEOMETRY" : first;
}

/** The thread of one file. */
class Thread {
  readonly #worker: ImportWorker<ToColumnar, FromColumnar>;
  readonly #file: FileToImport;

  constructor(file: FileToImport, signal: AbortSignal) {
    this.#file = file;
    this.#worker = new ImportWorker({ ...OWN_READER, program: "columnar-worker.js", signal });
  }

  async open(options: OpenOptions): Promise<Header> {
    return (await this.#ask({ kind: "open", path: this.#file.path, ...options })) as Header;
  }

  /** Yields text for COPY, and adds the geometries that cannot be used to `unread`. */
  async *rows(unread: Unread[]): AsyncGenerator<Uint8Array> {
    for (;;) {
      const answer = await this.#ask({ kind: "rows" });
      if (answer.kind === "end") unread.push(...answer.unread);
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
