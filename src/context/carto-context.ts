import type { DataFrame } from "danfojs-node";
import { type BatchQuery, createJob } from "../api/jobs";
import { redactError } from "../api/redact";
import type { Transport } from "../api/transport";
import { InvalidArgumentError } from "../errors";
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
import type { FigureCell, MapView } from "../render";
import { accountOf } from "./connection/account";
import {
  type ContextOptions,
  checkContextOptions,
  endpointSource,
  shownAddress,
} from "./connection/endpoint";
import { authenticated, shareTransport } from "./connection/transport";
import { BatchJobStatus } from "./jobs/batch-job-status";
import { checkBatch } from "./jobs/batch-query";
import { makeMap } from "./map/map";
import { checkPicture } from "./map/map-picture";
import { readTables, withNearTable } from "./read/list-tables";
import { checkLimit, checkSql, type QueryOptions, type ReadOptions, readFrame, readTable } from "./read/read";
import { type SyncOptions, type SyncResult, syncFrame } from "./sync/sync";
import { Baselines } from "./tables/baselines";
import { quoted, tableNamed } from "./tables/table-name";
import { dropTable } from "./write/new-table";
import { queryToTable } from "./write/query-to-table";
import { printReport } from "./write/report";
import { type WriteOptions, writeFrame } from "./write/write";

/** What `cc.map` takes. */
export interface CartoMapOptions extends MapOptions {
  /** False: a picture instead of a live map. @default true */
  readonly interactive?: boolean;
  /** Of a picture: its pixels per pixel of the map; 2 is sharp on paper and fine screens. @default 1 */
  readonly scale?: number;
  /** A cell of a figure, which shows the map as a picture: `figure({ columns: 2 }).at(0)`. */
  readonly ax?: FigureCell;
  /** Cancels the requests. */
  readonly signal?: AbortSignal;
}

const INSPECT = Symbol.for("nodejs.util.inspect.custom");

/**
 * Reads and writes tables of a CARTO account or of the embedded local PostGIS as danfo.js DataFrames.
 * `cc`, which the package exports, is one that is ready: it uses `CARTO_BASE_URL` and `CARTO_API_KEY` if they
 * are set, and the embedded server if not. Nothing is contacted or started before the first call.
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
  /** The catalog of the Data Observatory, and data of one's own in it. */
  readonly observatory: Observatory;
  #hasWarnedOfAugment = false;

  /**
   * The key is checked on first use; `CartoContext.connect` checks it at once.
   *
   * @param options absent: `CARTO_BASE_URL` and `CARTO_API_KEY`, else the saved Credentials, else the embedded server;
   * they are looked at on first use
   * @throws InvalidArgumentError for an address that is neither https:// (http://, with a warning that the key is
   * not encrypted) nor local:, for one with a password or a query in it, and for an account without a key
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
   * A context whose key has been checked.
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
   * Integers and numerics are numbers where each value is exact, else text; times keep milliseconds; NULL is
   * danfo's missing value; geometry is hexadecimal EWKB, in longitude/latitude (EPSG:4326).
   * `the_geom_webmercator` is left out.
   *
   * @param tableName as it is in the database: letter case counts
   * @param options `limit`: at most so many rows; `decodeGeom`: adds a column `geometry` of wkx geometries
   * @throws TableNotFoundError if there is no such table
   */
  async read(tableName: string, options: ReadOptions & { readonly limit?: number } = {}): Promise<DataFrame> {
    checkOptions("read", options, [...OPTION_NAMES.ReadOptions, "limit"]);
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
   * Runs SQL and returns its rows as a DataFrame, with the same types as `read`; any statement PostgreSQL
   * knows, one that returns nothing gives an empty frame.
   *
   * ```ts
   * await cc.query("SELECT state, count(*) AS airports FROM airports GROUP BY state");
   * ```
   *
   * With `tableName` the rows are kept as a new table of that name, on the server, and the frame is what was kept:
   *
   * ```ts
   * await cc.query("SELECT * FROM airports WHERE state = 'AK'", { tableName: "alaska" });
   * ```
   *
   * @param options `decodeGeom`: adds a column `geometry` of wkx geometries; `tableName`, `overwrite`: as in `write`
   * @throws SqlError with PostgreSQL's message, hint and SQLSTATE
   * @throws TableExistsError if there is a table called `tableName`, before the statement has run
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

  /** Keeps the rows of a query as a table, and reads it. */
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
   * Writes a DataFrame as a table. Column and table names become CARTO's (lower case, ASCII, `_`), and each
   * change is printed. The table gets `cartodb_id`, `the_geom` (EPSG:4326), `the_geom_webmercator` and their
   * indexes. A failed or interrupted write leaves everything as it was.
   *
   * ```ts
   * await cc.write(df, "airports", { lnglat: ["longitude", "latitude"], overwrite: true });
   * ```
   *
   * More than 100,000 points of `lnglat` are registered by a batch job: the table appears when that is done.
   *
   * @returns the job, which `await job.wait()` waits for; null if the table is there
   * @throws TableExistsError if there is a table of that name and `overwrite` is not set
   * @throws InvalidArgumentError for a value that PostgreSQL cannot keep, with its row and column
   * @throws ImportError with options of the Import API, such as `contentGuessing`
   */
  async write(df: DataFrame, tableName: string, options: WriteOptions = {}): Promise<BatchJobStatus | null> {
    if (!isFrame(df))
      throw new InvalidArgumentError("The first argument of write must be a danfo.js DataFrame.");
    checkOptions("write", options, OPTION_NAMES.WriteOptions);
    const report = await this.#run(`write ${tableName}`, options.signal, (signal, progress) =>
      writeFrame(this.#transport, df, tableName, { ...options, signal, progress }),
    );
    if (report.baseline) this.#baselines.remember(df, report.baseline);
    else this.#baselines.forget(quoted(report.table));
    await printReport(this.#transport, report, tableName);
    return report.job ? new BatchJobStatus(this, report.job) : null;
  }

  /**
   * Makes a table equal to a DataFrame, and writes only what differs: rows whose key the table lacks are inserted,
   * rows that differ are updated, rows whose key the frame lacks are deleted; all of it in one transaction.
   *
   * ```ts
   * const df = await cc.read("airports");
   * // … change df …
   * await cc.sync(df, "airports");   // { inserted: 0, updated: 12, deleted: 1, unchanged: 3363 }
   * ```
   *
   * Rows without a `cartodb_id` are new. A column that the table lacks is added to it; one that the frame lacks is
   * left as it is. Values take the type of the table's column, without loss or not at all.
   *
   * @param options `key`: the column or columns that tell rows apart, `cartodb_id` by default; `lnglat`,
   *   `encodeGeom`, `geomCol`: as in `write`; `force`: overwrites what others changed meanwhile
   * @throws ConflictError if somebody else has changed the table since this context read it; nothing is written
   * @throws InvalidArgumentError for a key that is missing or not unique, and for a value that does not fit its column
   * @throws TableNotFoundError if there is no such table
   */
  async sync(df: DataFrame, tableName: string, options: SyncOptions = {}): Promise<SyncResult> {
    if (!isFrame(df))
      throw new InvalidArgumentError("The first argument of sync must be a danfo.js DataFrame.");
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
   * @throws TableNotFoundError if there is no such table
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
   * Shows tables, queries and DataFrames as a map: as the last value of a cell it appears under the cell.
   *
   * ```ts
   * await cc.map({ layers: [new Layer("airports", { color: "state" })] })
   * await cc.map({ layers: new Layer(df, { lnglat: ["lng", "lat"], size: 4 }), interactive: false })
   * ```
   *
   * The output holds everything it shows: it opens in an exported or shared notebook without a server. A map of
   * DataFrames alone contacts none.
   *
   * @param options `layers`: from bottom to top, and perhaps a `BaseMap`; `zoom`, `lat`, `lng`: the first view,
   *   all three, otherwise it fits the data; `size`: [width, height] in pixels, 800 × 400 by default; `title`: a heading;
   *   `interactive: false`: a picture, of `scale` times as many pixels; `ax: fig.at(0)`: a picture in a `figure`
   * @throws InvalidArgumentError for a style that does not fit the data, before a row is fetched
   */
  async map(options: CartoMapOptions = {}): Promise<MapView> {
    checkOptions("map", options, OPTION_NAMES.CartoMapOptions);
    const { interactive, scale, ax, signal, ...rest } = options;
    const isPicture = checkPicture({ interactive, scale, ax });
    return this.#run("map", signal, (signal, progress) =>
      makeMap(this.#transport, { ...rest, isPicture, scale, ax, signal, progress }),
    );
  }

  /**
   * Lists the tables: name, geometry type, number of rows (of more than a million PostgreSQL's estimate), size in
   * bytes, time of the last change.
   */
  async tables(options: CallOptions = {}): Promise<DataFrame> {
    checkOptions("tables", options, OPTION_NAMES.CallOptions);
    return this.#run("tables", options.signal, async (signal, progress) =>
      readTables(this.#transport, { signal, progress }),
    );
  }

  /**
   * Puts SQL into the queue of batch jobs, which run one after another on the server, whether the notebook stays
   * open or not.
   *
   * ```ts
   * const job = await cc.batch(["CREATE TABLE big AS SELECT …", "SELECT CDB_CartodbfyTable('big')"]);
   * await job.wait();
   * ```
   *
   * @param query a statement; a list, in which each is a transaction of its own and nothing follows one that fails;
   * or `{ query: [{ query, onsuccess, onerror, timeout }], onsuccess, onerror }`. 16 kB at most.
   * @throws JobError if the server refuses it, as when 64 jobs wait already
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
   * Finds measures of the Data Observatory: one row for each, as the number itself (`predenominated`) and as it is
   * normalized by default, on the boundary level that fits the region best.
   *
   * ```ts
   * const found = await cc.dataDiscovery("USA", { keywords: "unemployment" });
   * ```
   *
   * @param region the name of a region ("Australia", "Brazil", "Canada", "European Union", "France", "Mexico", "Spain",
   *   "United Kingdom", "United States") or of a table, or `[west, south, east, north]` in degrees
   * @returns what `cc.data` takes as metadata; an empty frame, and a warning that says what to loosen, if there is nothing
   * @throws InvalidArgumentError for a region that is neither, and for a box that is none
   */
  async dataDiscovery(region: RegionArgument, options: DiscoveryOptions = {}): Promise<DataFrame> {
    checkOptions("dataDiscovery", options, OPTION_NAMES.DiscoveryOptions);
    return this.#run("discovery", options.signal, (signal, progress) =>
      discover(this.#transport, region, { ...options, signal, progress }),
    );
  }

  /**
   * Augments a table with measures of the Data Observatory: a point takes the value of the area it lies in, a polygon
   * what its parts of the areas add up to. Rows outside of what is known have NULL.
   *
   * ```ts
   * await cc.data("airports", [{ numer_id: "us.bls.unemployment_rate", normalization: "predenominated" }])
   * ```
   *
   * @param metadata rows of `cc.dataDiscovery`, or a list of measures, in which what is left open is completed; 50 at most
   * @param options `persistAs`: keeps the rows as a table of this name; `how`: the column by which rows are found, one of
   *   geometries or one of identifiers
   * @throws InvalidArgumentError for metadata that is empty, too long, or does not fit
   * @throws QuotaError if an account's data services are used up; TimeoutError if it takes longer than an account allows
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
    const frame =
      read ??
      (await this.#keep(plan.sql, persistAs!, { overwrite, signal }).catch((error) => {
        throw explainAugmenting(error);
      }));
    for (const warning of emptyColumns(frame, plan)) console.warn(warning);
    return frame;
  }

  /**
   * Augments a table in its place.
   * @deprecated as in CARTO's Python client: `cc.data(table, metadata, { persistAs: table, overwrite: true })`
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
        "dataAugment is deprecated. Use cc.data(table, metadata, { persistAs: table, overwrite: true }), which does the same.",
      );
    }
    return this.data(tableName, metadata, { ...options, persistAs: tableName, overwrite: true });
  }

  /**
   * The boundary levels of the Data Observatory, or with `boundary` the geometries of one: a frame for `cc.write`, and for
   * a `Layer`.
   *
   * ```ts
   * const states = await cc.dataBoundaries({ boundary: "us.census.tiger.state_clipped", region: "USA" });
   * await cc.map({ layers: new Layer(states) })
   * ```
   *
   * @throws InvalidArgumentError for a boundary that is not there, and for a region that is none
   */
  async dataBoundaries(options: BoundariesOptions = {}): Promise<DataFrame> {
    checkOptions("dataBoundaries", options, OPTION_NAMES.BoundariesOptions);
    return this.#run("boundaries", options.signal, (signal, progress) =>
      boundaries(this.#transport, { ...options, signal, progress }),
    );
  }

  /** Runs one call of a cell: interruptible, with progress once it takes long. */
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
