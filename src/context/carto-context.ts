import type { DataFrame } from "danfojs-node";
import { type BatchQuery, createJob } from "../api/jobs";
import { redactError } from "../api/redact";
import type { Transport } from "../api/transport";
import { InvalidArgumentError } from "../errors";
import { type ExportOptions, type ExportSource, exportFile } from "../files/export";
import {
  checkImportOptions,
  describeFileTable,
  type ImportOptions,
  type ImportReport,
  importFiles,
} from "../files/import";
import { type FileLayer, type LayersOptions, listLayers } from "../files/layers";
import { checkFileOptions, type FileOptions } from "../files/reading";
import { printImport, sizeText, warnAbout } from "../files/report";
import type { FileSource } from "../files/source";
import { isFrame, rowCountOf } from "../frame";
import type { Progress } from "../kernel/progress";
import { currentLine, runInCell } from "../kernel/run-in-cell";
import type { MapOptions } from "../map";
import { type Augmentation, type DataOptions, emptyColumns, planAugmentation } from "../observatory/augment";
import { type BoundariesOptions, boundaries } from "../observatory/boundaries";
import { type DiscoveryOptions, discover } from "../observatory/discovery";
import { explainAugmenting } from "../observatory/explain";
import type { Measure } from "../observatory/metadata";
import { Observatory } from "../observatory/observatory";
import type { RegionArgument } from "../observatory/place";
import { OPTION_NAMES } from "../option-names";
import { type CallOptions, checkOptions } from "../options";
import type { Figure, FigureCell, MapView } from "../render";
import { accountOf } from "./connection/account";
import {
  type ContextOptions,
  checkContextOptions,
  endpointSource,
  shownAddress,
} from "./connection/endpoint";
import { authenticated, shareTransport } from "./connection/transport";
import { BatchJobStatus, checkBatch } from "./jobs/batch-job-status";
import { makeFacets, makeMap } from "./map/map";
import { checkFaceted, checkPicture } from "./map/map-picture";
import { readTables, withNearTable } from "./read/list-tables";
import { checkLimit, checkSql, type QueryOptions, type ReadOptions, readFrame, readTable } from "./read/read";
import { type SyncOptions, type SyncResult, syncFrame } from "./sync/sync";
import { Baselines } from "./tables/baselines";
import { quoted, tableNamed, temporaryTable } from "./tables/table-name";
import { dropTable, dropTemporary } from "./write/new-table";
import { queryToTable } from "./write/query-to-table";
import { printReport } from "./write/report";
import { type AppendOptions, type WriteOptions, writeFrame } from "./write/write";

/** Options of `cc.map`. */
export interface CartoMapOptions extends MapOptions {
  /** Shows a live map; false shows an image, with basemap tiles if they all arrive within four seconds. @default true */
  readonly interactive?: boolean;
  /** Pixels of an image per CSS pixel, 1 to 4; 2 is sharp on paper and high-resolution screens. @default 1 */
  readonly scale?: number;
  /** Cell of a figure that shows the map, such as `figure({ columns: 2 }).at(0)`: as an image, or live if the figure is `linked`. */
  readonly ax?: FigureCell;
  /** Column of the topmost layer, for each value of which the figure has a map. @default one map */
  readonly facet?: string;
  /** Cancels the requests. */
  readonly signal?: AbortSignal;
}

const INSPECT = Symbol.for("nodejs.util.inspect.custom");

/**
 * Reads and writes tables of a CARTO account, a PostgreSQL database or the embedded database as danfo.js DataFrames, and
 * shows them on maps. The package exports a context, `cc`, which uses the environment variables `CARTO_BASE_URL` and
 * `CARTO_API_KEY`, the saved credentials, or the embedded database. Nothing is contacted or started before the first call.
 * Printing a context shows its address without secrets. A call rejects unknown options with an InvalidArgumentError.
 *
 * ```ts
 * import { cc } from "cartoframes";
 * const df = await cc.read("airports", { limit: 100 });
 * ```
 */
export class CartoContext {
  readonly #transport: Transport;
  readonly #shownAddress: () => string;
  readonly #baselines = new Baselines();
  /** Catalog of the Data Observatory, and publication of your own data in it. */
  readonly observatory: Observatory;
  #hasWarnedOfAugment = false;

  /**
   * Creates a context. The key is checked on first use; `CartoContext.connect` checks it at once.
   *
   * @param options address and key; if they are left out, the environment variables `CARTO_BASE_URL` and
   *   `CARTO_API_KEY`, the saved credentials, or the embedded database are looked up on first use
   * @throws InvalidArgumentError for an invalid address, an address of an account that contains a password or a query, and
   *   an account without a key. An http:// address prints a warning, except for this machine.
   */
  constructor(options: ContextOptions = {}) {
    checkContextOptions(options);
    const { session, timeouts, verbose } = options;
    this.#shownAddress = shownAddress(options);
    this.#transport = authenticated(endpointSource(options), {
      session,
      timeouts,
      onExchange: typeof verbose === "function" ? verbose : verbose ? (line) => console.log(line) : undefined,
      onWait: (note) => currentLine()?.note(note),
    });
    shareTransport(this, this.#transport);
    this.observatory = new Observatory({
      transport: this.#transport,
      run: (label, signal, work) => this.#run(label, signal, work),
    });
  }

  /**
   * Creates a context and checks its key.
   * @throws AuthenticationError if the server refuses the key
   */
  static async connect({ signal, ...options }: ContextOptions & CallOptions = {}): Promise<CartoContext> {
    const context = new CartoContext(options);
    await accountOf(context.#transport, signal);
    return context;
  }

  /**
   * Reads a table as a DataFrame.
   *
   * Integers and numerics become numbers if every value is exact, otherwise text. Times have milliseconds. NULL becomes
   * danfo's missing value. Geometries are hexadecimal EWKB in longitude and latitude (EPSG:4326). `cartodb_id` is the
   * first column, and the rows are in its order; `the_geom_webmercator` is left out.
   *
   * @param tableName name of the table as in the database, including case
   * @param options `limit`: maximum number of rows, an integer of 0 or more; these are the rows with the smallest `cartodb_id`;
   *   `decodeGeom`: adds a column `geometry` with wkx geometries; `index`: accepted as in cartoframes for Python, where
   *   it has no effect either
   * @throws TableNotFoundError if the table does not exist
   * @throws InvalidArgumentError for an invalid `limit`, and for `decodeGeom` if the table has no geometry column
   */
  async read(
    tableName: string,
    options: ReadOptions & { readonly limit?: number; readonly index?: string } = {},
  ): Promise<DataFrame> {
    checkOptions("read", options, [...OPTION_NAMES.ReadOptions, "limit", "index"]);
    const { limit, decodeGeom } = options;
    checkLimit(limit);
    return this.#run(`read ${tableName}`, options.signal, async (signal, progress) => {
      const table = await tableNamed(tableName, { transport: this.#transport, signal });
      return readTable(
        this.#transport,
        { table, limit },
        { decodeGeom, signal, progress, baselines: this.#baselines },
      );
    });
  }

  /**
   * Runs SQL and returns its rows as a DataFrame with the same types as `read`. Any statement is possible. A statement
   * without rows returns an empty frame, and several statements return the rows of the last one. If several columns have
   * the same name, the last one is kept, with a warning.
   *
   * ```ts
   * await cc.query("SELECT state, count(*) AS airports FROM airports GROUP BY state");
   * ```
   *
   * With `tableName`, the result is stored as a new table on the server and then read from it. Column names are
   * normalized as in `write`:
   *
   * ```ts
   * await cc.query("SELECT * FROM airports WHERE state = 'AK'", { tableName: "alaska" });
   * ```
   *
   * @param sql one or more statements of PostgreSQL
   * @param options `decodeGeom`: adds a column `geometry` with wkx geometries; `tableName`: name of the new table;
   *   `overwrite`: replaces an existing table
   * @throws SqlError with PostgreSQL's message, hint and SQLSTATE
   * @throws TableNotFoundError if a table in the statement does not exist
   * @throws TableExistsError if the table `tableName` exists; the statement does not run
   * @throws InvalidArgumentError for an empty text, commands of psql such as `\d`, and with `tableName`, a statement that
   *   returns no rows
   */
  async query(sql: string, options: QueryOptions = {}): Promise<DataFrame> {
    checkSql(sql);
    checkOptions("query", options, OPTION_NAMES.QueryOptions);
    const { tableName, overwrite } = options;
    if (tableName === undefined) {
      return this.#run("query", options.signal, (signal, progress) =>
        readFrame(this.#transport, sql, { ...options, signal, progress }),
      );
    }
    return this.#keep(sql, tableName, { ...options, overwrite });
  }

  /** Stores the rows of a query as a table, and reads it. */
  async #keep(sql: string, tableName: string, options: QueryOptions): Promise<DataFrame> {
    const { overwrite, decodeGeom } = options;
    const report = await this.#run(`query to ${tableName}`, options.signal, (signal, progress) =>
      queryToTable(this.#transport, sql, tableName, { overwrite, signal, progress }),
    );
    const frame = await this.#run(`read ${tableName}`, options.signal, (signal, progress) =>
      readTable(this.#transport, report, { decodeGeom, signal, progress, baselines: this.#baselines }),
    );
    await printReport(this.#transport, { ...report, rowCount: rowCountOf(frame), warnings: [] }, tableName);
    return frame;
  }

  /**
   * Writes a DataFrame as a table. Names of the table and its columns are normalized as CARTO does (lower case, ASCII,
   * `_`). The table gets `cartodb_id`, `the_geom` (EPSG:4326), `the_geom_webmercator` and their indexes. Prints the number
   * of rows, changed names, and for an account the URL of the table. If the call fails or is interrupted, nothing is
   * changed.
   *
   * ```ts
   * await cc.write(df, "airports", { lnglat: ["longitude", "latitude"], overwrite: true });
   * ```
   *
   * A table with more than 100,000 points from `lnglat` is registered by a batch job, unless its privacy has to be set.
   * Until the job is done, an existing table stays in place.
   *
   * @param tableName name of the table, optionally with a schema: `reports.airports`
   * @returns the batch job, for `await job.wait()`; null if the table is complete
   * @throws TableExistsError if the table exists and `overwrite` is not set
   * @throws InvalidArgumentError for a value that PostgreSQL cannot store, with its row and column, and for options that
   *   exclude each other
   * @throws SqlError if views depend on the table to replace
   * @throws ImportError if an import fails, with options of the Import API such as `contentGuessing`
   */
  async write(df: DataFrame, tableName: string, options: WriteOptions = {}): Promise<BatchJobStatus | null> {
    if (!isFrame(df))
      throw new InvalidArgumentError("The first argument of cc.write must be a danfo.js DataFrame.");
    checkOptions("write", options, OPTION_NAMES.WriteOptions);
    const report = await this.#run(`write ${tableName}`, options.signal, (signal, progress) =>
      writeFrame(this.#transport, df, tableName, { ...options, signal, progress }),
    );
    if (report.baseline) this.#baselines.remember(df, report.baseline);
    else if (!report.isAppended) this.#baselines.forget(quoted(report.table));
    await printReport(this.#transport, report, tableName);
    return report.job ? new BatchJobStatus(this, report.job) : null;
  }

  /**
   * Adds the rows of a DataFrame to an existing table, in one transaction: all rows or none. The same as `write` with
   * `append: true`. Each column goes to the table's column of the same name and is converted to its type; columns that the
   * frame lacks get their default, or NULL. If the call fails or is interrupted, the table is unchanged.
   *
   * ```ts
   * await cc.append(df.drop({ columns: ["cartodb_id"] }), "airports", { lnglat: ["longitude", "latitude"] });
   * ```
   *
   * @param tableName name of the table as in the database, including case, or as it was given to `write`
   * @param options `lnglat`, `encodeGeom`, `geomCol`: as in `write`
   * @throws TableNotFoundError if the table does not exist
   * @throws InvalidArgumentError for a column that the table does not have, for a value that does not fit its column, and if
   *   the frame lacks a column that is NOT NULL and has no default
   * @throws SqlError if a constraint of the table refuses a row
   */
  async append(df: DataFrame, tableName: string, options: AppendOptions = {}): Promise<void> {
    if (!isFrame(df))
      throw new InvalidArgumentError("The first argument of cc.append must be a danfo.js DataFrame.");
    checkOptions("append", options, OPTION_NAMES.AppendOptions);
    await this.write(df, tableName, { ...options, append: true });
  }

  /**
   * Imports files as tables: CSV, Excel, GeoJSON, shapefiles, KML, archives of these, and more. The geometries are
   * transformed to longitude and latitude (EPSG:4326). Prints what it made. If the call fails or is interrupted, the
   * tables of the files before it are complete, and nothing else is changed.
   *
   * ```ts
   * await cc.import("../node_modules/vega-datasets/data/flights-airport.csv");
   * await cc.import({ name: "spots.csv", bytes: Buffer.from("name,lat,lng\nBern,46.9,7.4") }, "spots", { overwrite: true });
   * ```
   *
   * @param source path, glob such as `"data/*.geojson"`, folder, `file://` or `https://` URL, `{ name, bytes }`, or a list
   *   of these; the server downloads a URL itself. The other files of a shapefile are found next to its `.shp`.
   * @param tableName name of the table; by default the name of the file
   * @throws TableExistsError if the table exists, and neither `overwrite` nor `append` is set
   * @throws TableNotFoundError with `append`, if the table does not exist
   * @throws InvalidArgumentError if a file does not exist, for `tableName` with a file of several tables, with `append` if the
   *   columns do not fit, and on an account for options that only the local server knows
   * @throws ImportError if the server cannot read the file, with CARTO's code and what is wrong
   */
  async import(source: FileSource, tableName?: string, options: ImportOptions = {}): Promise<ImportReport> {
    if (typeof tableName === "object")
      throw new InvalidArgumentError("Options are the third argument: cc.import(source, undefined, { … }).");
    checkOptions("import", options, OPTION_NAMES.ImportOptions);
    checkImportOptions(options);
    const report = await this.#run("import", options.signal, async (signal, progress) => {
      const { tables, leftOut } = await importFiles(this.#transport, source, tableName, {
        ...options,
        signal,
        progress,
      });
      for (const { table } of tables) this.#baselines.forget(quoted(table));
      const described = tables.map((one) => describeFileTable(this.#transport, one, signal));
      return { tables: await Promise.all(described), leftOut };
    });
    printImport(report);
    return report;
  }

  /**
   * Lists the layers of files, which `cc.import` and `cc.readFile` can read with `layer`: the tables of a GeoPackage, the sheets
   * of a workbook, the files of an archive. Their names, geometries, rows and columns are read from the files; nothing is imported.
   *
   * ```ts
   * await cc.layers("../node_modules/vega-datasets/data/airports.csv");
   * ```
   *
   * @param source as in `cc.import`
   * @throws InvalidArgumentError if a file does not exist, and for an account, which cannot list layers
   * @throws ImportError if the server cannot read the file
   */
  async layers(source: FileSource, options: LayersOptions = {}): Promise<readonly FileLayer[]> {
    checkOptions("layers", options, OPTION_NAMES.LayersOptions);
    checkFileOptions(options);
    return this.#run("layers", options.signal, (signal, progress) =>
      listLayers(this.#transport, source, { encoding: options.encoding, signal, progress }),
    );
  }

  /**
   * Reads a file as a DataFrame, with the formats and conversions of `cc.import` and the types of `cc.read`. No table is
   * left on the server. Warns about values that could not be read, and about a guessed encoding or coordinate system.
   *
   * ```ts
   * const flights = await cc.readFile("../node_modules/vega-datasets/data/flights-airport.csv");
   * ```
   *
   * @param source as in `cc.import`; the file must hold one table
   * @throws InvalidArgumentError if the file does not exist, or holds several tables
   * @throws ImportError if the server cannot read the file
   */
  async readFile(source: FileSource, options: FileOptions & ReadOptions = {}): Promise<DataFrame> {
    checkOptions("readFile", options, [...OPTION_NAMES.FileOptions, ...OPTION_NAMES.ReadOptions]);
    checkFileOptions(options);
    return this.#run("readFile", options.signal, (signal, progress) =>
      this.#fileAsFrame(source, { ...options, signal, progress }),
    );
  }

  async #fileAsFrame(
    source: FileSource,
    { decodeGeom, ...call }: Parameters<typeof importFiles>[3] & Pick<ReadOptions, "decodeGeom">,
  ): Promise<DataFrame> {
    const { signal, progress } = call;
    const table = await temporaryTable({ transport: this.#transport, signal });
    try {
      const { tables, leftOut } = await importFiles(this.#transport, source, table.table, call);
      for (const { made } of tables) warnAbout(made, leftOut);
      const reading = { decodeGeom, signal, progress, baselines: new Baselines() };
      return await readTable(this.#transport, { table }, reading);
    } finally {
      await dropTemporary(this.#transport, table);
    }
  }

  /**
   * Writes a table, the rows of a query, a DataFrame or a GeoJSON object as a file. Its extension says the format: `.csv`
   * and `.tsv` with geometries as WKT, `.geojson`, `.json`, `.geojsonl`, `.kml`, `.parquet`, `.arrow`, `.feather`, `.gpkg`, `.fgb`, `.shp`, `.sqlite`,
   * `.gml`, `.gpx`, `.tab`, `.mif`, `.gdb.zip`, `.dxf`, `.xlsx`, `.ods`; with `.gz` or `.zip` after it, the file is compressed.
   * The rows are streamed, and the file appears when it is complete; if the call fails, an existing file is unchanged.
   *
   * ```ts
   * await cc.export("airports", "airports.geojson", { overwrite: true });
   * await cc.export("SELECT name, the_geom FROM airports WHERE state = 'AK'", "alaska.csv.gz", { overwrite: true });
   * ```
   *
   * @param what name of a table, SQL, a DataFrame as in `cc.write`, or a GeoJSON object
   * @param path path of the file
   * @throws InvalidArgumentError if the file exists and `overwrite` is not set, for an unknown extension, and for GeoJSON or
   *   KML without a geometry column
   * @throws TableNotFoundError if the table does not exist
   * @throws SqlError if the query fails
   */
  async export(what: ExportSource, path: string, options: ExportOptions = {}): Promise<void> {
    checkOptions("export", options, OPTION_NAMES.ExportOptions);
    const { overwrite, signal } = options;
    const bytes = await this.#run(`export ${path}`, signal, (signal, progress) =>
      exportFile(this.#transport, what, path, { overwrite, signal, progress }),
    );
    console.log(`Wrote ${path} (${sizeText(bytes)}).`);
  }

  /**
   * Makes a table equal to a DataFrame by writing only the differences in one transaction: rows with a new key are
   * inserted, rows that differ are updated, and rows whose key is not in the frame are deleted.
   *
   * ```ts
   * const df = await cc.read("airports");
   * // … change df …
   * await cc.sync(df, "airports");   // { inserted: 0, updated: 12, deleted: 1, unchanged: 3363 }
   * ```
   *
   * Rows without a `cartodb_id` are new. Columns that the table lacks are added; columns that the frame lacks are kept.
   * Values are converted to the type of the table's column; a value that would lose information is an error.
   *
   * @param tableName name of the table as in the database, including case
   * @param options `key`: column, or columns, that identify a row, `cartodb_id` by default; `lnglat`, `encodeGeom`,
   *   `geomCol`: as in `write`; `force`: overwrites changes by others
   * @returns the numbers of rows inserted, updated, deleted and unchanged
   * @throws ConflictError if somebody else has changed the table since this context read it; nothing is written
   * @throws InvalidArgumentError for a missing or duplicate key, and for a value that does not fit its column
   * @throws TableNotFoundError if the table does not exist
   * @throws SqlError if a constraint of the table refuses a row; nothing is written
   */
  async sync(df: DataFrame, tableName: string, options: SyncOptions = {}): Promise<SyncResult> {
    if (!isFrame(df))
      throw new InvalidArgumentError("The first argument of cc.sync must be a danfo.js DataFrame.");
    checkOptions("sync", options, OPTION_NAMES.SyncOptions);
    const { result, added, warnings } = await this.#run(
      `sync ${tableName}`,
      options.signal,
      async (signal, progress) => {
        const table = await tableNamed(tableName, { transport: this.#transport, signal });
        const baseline = this.#baselines.find(df, quoted(table));
        const report = await syncFrame(this.#transport, df, table, {
          ...options,
          signal,
          progress,
          baseline,
        });
        this.#baselines.remember(df, report.baseline);
        return report;
      },
    );
    for (const warning of warnings) console.warn(warning);
    if (added.length > 0) console.log(`Columns added to ${tableName}: ${added.join(", ")}.`);
    return result;
  }

  /**
   * Deletes a table.
   * @param tableName name of the table as in the database, including case
   * @throws TableNotFoundError if the table does not exist
   * @throws SqlError if views depend on the table
   */
  async delete(tableName: string, options: CallOptions = {}): Promise<void> {
    checkOptions("delete", options, OPTION_NAMES.CallOptions);
    await this.#run(`delete ${tableName}`, options.signal, async (signal) => {
      const table = await tableNamed(tableName, { transport: this.#transport, signal });
      await dropTable(this.#transport, table, tableName, signal);
      this.#baselines.forget(quoted(table));
    });
  }

  /**
   * Shows tables, queries and DataFrames on a map. The map appears under the cell if it is the cell's last value.
   *
   * ```ts
   * await cc.map({ layers: [new Layer("airports", { color: "state" })] })
   * await cc.map({ layers: new Layer(df, { lnglat: ["longitude", "latitude"], size: 4 }), interactive: false })
   * ```
   *
   * The output contains everything it shows, so it works in an exported or shared notebook without a server. From a table
   * or query, only the geometry and the columns of the style are fetched. A map of DataFrames does not contact a server.
   *
   * @param options `layers`: layers from bottom to top, and optionally a `BaseMap`; `zoom`, `lat`, `lng`: the first view,
   *   which otherwise fits the data; `size`: [width, height] in pixels, 800 × 400 by default; `title`: heading;
   *   `interactive: false`: an image, with `scale` times as many pixels; `ax: fig.at(0)`: an image in a `figure`
   * @throws InvalidArgumentError for a style that does not fit the data, before rows are fetched
   */
  map(options?: CartoMapOptions & { readonly facet?: undefined }): Promise<MapView>;
  /**
   * Shows a map for each value of a column, such as a country, side by side. All have the same view and the same classes, and move
   * together.
   *
   * ```ts
   * await cc.map({ layers: new Layer("airports", { color: "latitude" }), facet: "country" })
   * ```
   *
   * @param options those of a single map, and `facet`: a column of the topmost layer. Layers below are in every map. The figure
   *   shows the twelve most frequent values. `title` is that of the figure; `size`, that of each map, is 320 × 240 by default
   * @returns a figure of linked maps, to which charts can be added
   * @throws InvalidArgumentError for `widgets`, `ax`, `scale` and `interactive: false`, which such a figure does not have
   */
  map(options: CartoMapOptions & { readonly facet: string }): Promise<Figure>;
  async map(options: CartoMapOptions = {}): Promise<MapView | Figure> {
    checkOptions("map", options, OPTION_NAMES.CartoMapOptions);
    const { interactive, scale, ax, facet, signal, ...rest } = options;
    if (facet !== undefined) checkFaceted({ interactive, scale, ax });
    const isPicture = checkPicture({ interactive, scale, ax });
    return this.#run("map", signal, (signal, progress): Promise<MapView | Figure> => {
      const readFile = (source: string) => this.#fileAsFrame(source, { signal, progress });
      const work = { ...rest, signal, progress, readFile };
      return facet === undefined
        ? makeMap(this.#transport, { ...work, isPicture, scale, ax })
        : makeFacets(this.#transport, { ...work, facet });
    });
  }

  /**
   * Lists the tables: `name`; `geometry`, the type of the first geometry column, such as `POINT`; `rows`, above a million
   * PostgreSQL's estimate; `size` in bytes, with indexes; and `updated`, the time of the last change, if known.
   */
  async tables(options: CallOptions = {}): Promise<DataFrame> {
    checkOptions("tables", options, OPTION_NAMES.CallOptions);
    return this.#run("tables", options.signal, async (signal, progress) =>
      readTables(this.#transport, { signal, progress }),
    );
  }

  /**
   * Adds SQL to the queue of batch jobs. They run on the server one after another, also after the notebook is closed.
   *
   * ```ts
   * const job = await cc.batch(["CREATE TABLE big AS SELECT * FROM airports", "SELECT CDB_CartodbfyTable('big')"]);
   * await job.wait();
   * ```
   *
   * @param query one statement; a list, in which each statement is a separate transaction and a failure ends the job; or
   *   `{ query: [{ query, onsuccess, onerror, timeout }], onsuccess, onerror }`; at most 16 kB
   * @throws InvalidArgumentError if a statement is missing or empty
   * @throws JobError if the server refuses the job, because it is too large or 64 jobs are waiting
   */
  async batch(query: BatchQuery, options: CallOptions = {}): Promise<BatchJobStatus> {
    checkBatch(query);
    checkOptions("batch", options, OPTION_NAMES.CallOptions);
    const job = await this.#run("batch", options.signal, (signal) =>
      createJob(this.#transport, query, { signal }),
    );
    return new BatchJobStatus(this, job);
  }

  /**
   * Finds measures of the Data Observatory. The frame has the columns of `OBS_GetMeta`, and a row for each measure as a
   * plain number (`predenominated`) and with its default normalization, at the boundary level that fits the region best.
   *
   * ```ts
   * const found = await cc.dataDiscovery("USA", { keywords: "unemployment" });
   * ```
   *
   * @param region name of a region ("Australia", "Brazil", "Canada", "European Union", "France", "Mexico", "Spain",
   *   "United Kingdom", "United States") or of a table, or `[west, south, east, north]` in degrees
   * @returns metadata for `cc.data`; if nothing is found, an empty frame, with a warning that says which condition to relax
   * @throws InvalidArgumentError for an unknown region, and for an invalid box
   */
  async dataDiscovery(region: RegionArgument, options: DiscoveryOptions = {}): Promise<DataFrame> {
    checkOptions("dataDiscovery", options, OPTION_NAMES.DiscoveryOptions);
    return this.#run("discovery", options.signal, (signal, progress) =>
      discover(this.#transport, region, { ...options, signal, progress }),
    );
  }

  /**
   * Augments a table with measures of the Data Observatory. A point gets the value of the area that contains it; a polygon
   * gets the sum over the parts of the areas it covers. Rows outside all areas get NULL. A column whose name is taken gets
   * a leading `_`, and names longer than 63 bytes are cut, with a warning.
   *
   * ```ts
   * await cc.data("airports", [{ numer_id: "us.bls.unemployment_rate", normalization: "predenominated" }])
   * ```
   *
   * @param tableName name of the table as in the database, including case
   * @param metadata rows of `cc.dataDiscovery`, or a list of measures, whose missing members are filled in; at most 50
   * @param options `persistAs`: stores the rows as a table with this name; `how`: column that locates the rows, with
   *   geometries or with identifiers of areas
   * @throws InvalidArgumentError for metadata that is empty, too long or does not fit the table, and for a table that has
   *   only lines or multipoints, or both points and polygons
   * @throws QuotaError if the account's quota of data services is used up
   * @throws TimeoutError if the statement takes longer than the account allows
   */
  async data(
    tableName: string,
    metadata: DataFrame | readonly Measure[],
    options: DataOptions = {},
  ): Promise<DataFrame> {
    checkOptions("data", options, OPTION_NAMES.DataOptions);
    const { persistAs, overwrite, signal } = options;
    let plan!: Augmentation;
    const label = `data ${tableName}`;
    const read = await this.#run(label, signal, async (signal, progress) => {
      plan = await planAugmentation(this.#transport, tableName, metadata, { ...options, signal });
      for (const warning of plan.warnings) console.warn(warning);
      if (persistAs !== undefined) return undefined;
      const work = { signal, progress, repeatable: true };
      return readFrame(this.#transport, plan.sql, work).catch((error) => {
        throw explainAugmenting(error);
      });
    });
    // `!`: the rows are read above unless `persistAs` is given
    const frame =
      read ??
      (await this.#keep(plan.sql, persistAs!, { overwrite, signal }).catch((error) => {
        throw explainAugmenting(error);
      }));
    for (const warning of emptyColumns(frame, plan)) console.warn(warning);
    return frame;
  }

  /**
   * Augments a table in place. Deprecated: it equals `cc.data` with `persistAs: tableName` and `overwrite: true`.
   * @deprecated Use `cc.data(table, metadata, { persistAs: table, overwrite: true })`.
   */
  async dataAugment(
    tableName: string,
    metadata: DataFrame | readonly Measure[],
    options: CallOptions = {},
  ): Promise<DataFrame> {
    checkOptions("dataAugment", options, OPTION_NAMES.CallOptions);
    if (!this.#hasWarnedOfAugment) {
      this.#hasWarnedOfAugment = true;
      console.warn(
        "cc.dataAugment is deprecated. Use cc.data(table, metadata, { persistAs: table, overwrite: true }) instead.",
      );
    }
    return this.data(tableName, metadata, { ...options, persistAs: tableName, overwrite: true });
  }

  /**
   * Lists the boundary levels of the Data Observatory, with the columns of `OBS_GetAvailableGeometries`. With `boundary`,
   * returns the geometries of a level as `the_geom` and their identifiers as `geom_refs`, for `cc.write` or a `Layer`.
   *
   * ```ts
   * const states = await cc.dataBoundaries({ boundary: "us.census.tiger.state_clipped", region: "USA" });
   * await cc.map({ layers: new Layer(states) })
   * ```
   *
   * @throws InvalidArgumentError for an unknown boundary level or region
   */
  async dataBoundaries(options: BoundariesOptions = {}): Promise<DataFrame> {
    checkOptions("dataBoundaries", options, OPTION_NAMES.BoundariesOptions);
    return this.#run("boundaries", options.signal, (signal, progress) =>
      boundaries(this.#transport, { ...options, signal, progress }),
    );
  }

  /** Runs one call of a cell. It can be interrupted, and shows its progress when it takes long. */
  async #run<T>(
    label: string,
    signal: AbortSignal | undefined,
    work: (signal: AbortSignal, progress: Progress) => Promise<T>,
  ): Promise<T> {
    return runInCell({ label, signal, waitsFor: () => this.#transport.waitsFor() }, (signal, progress) =>
      work(signal, progress).catch(async (error) => {
        redactError(error, (text) => this.#transport.redact(text));
        throw await withNearTable(error, { transport: this.#transport, signal });
      }),
    );
  }

  [INSPECT](): string {
    return `CartoContext(${this.#shownAddress()})`;
  }
}
