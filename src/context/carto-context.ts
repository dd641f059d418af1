import type { DataFrame } from "danfojs-node";
import { type BatchQuery, createJob } from "../api/jobs";
import { redactError } from "../api/redact";
import { runSql } from "../api/sql";
import { Transport } from "../api/transport";
import { InvalidArgumentError, TableNotFoundError } from "../errors";
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
import { type CallOptions, checkKeys, checkOptions } from "../options";
import type { FigureCell, MapView } from "../render";
import { accountOf } from "./connection/account";
import {
  type ContextOptions,
  checkContextOptions,
  endpointSource,
  shownAddress,
} from "./connection/endpoint";
import { shareTransport } from "./connection/transport-of";
import { BatchJobStatus } from "./jobs/batch-job-status";
import { makeMap } from "./map/map";
import { checkPicture } from "./map/map-picture";
import { type QueryOptions, type ReadOptions, readFrame } from "./read/read";
import { Baselines } from "./sync/baselines";
import { type SyncOptions, type SyncResult, syncFrame } from "./sync/sync";
import { quoted, type TableName, tableNamed } from "./tables/table-name";
import { readTables, withNearTable } from "./tables/tables";
import { queryToTable } from "./write/query-to-table";
import { type WriteOptions, type WriteReport, writeFrame } from "./write/write";

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
    this.#transport = new Transport(endpointSource(options), {
      session,
      timeouts,
      onExchange: typeof verbose === "function" ? verbose : verbose ? (line) => console.log(line) : undefined,
      onWait: (note) => currentLine()?.note(note),
      authenticate: accountOf,
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
    const { limit } = options;
    if (limit !== undefined && !(Number.isSafeInteger(limit) && limit >= 0)) {
      throw new InvalidArgumentError(`limit is ${String(limit)}; expected an integer of at least 0.`);
    }
    return this.#run(`read ${tableName}`, options.signal, async (signal, progress) => {
      const table = await tableNamed(tableName, { transport: this.#transport, signal });
      return this.#readTable(table, { ...options, signal, progress });
    });
  }

  /** Reads a table and remembers how it was. */
  async #readTable(
    name: TableName,
    options: ReadOptions & { readonly limit?: number; readonly progress: Progress },
  ): Promise<DataFrame> {
    const { limit } = options;
    const table = quoted(name);
    const sql = `SELECT * FROM ${table}${limit === undefined ? "" : ` LIMIT ${limit}`}`;
    let snapshot: string | undefined;
    const onSnapshot = (seen: string) => {
      snapshot = seen;
    };
    const frame = await readFrame(this.#transport, sql, { ...options, repeatable: true, onSnapshot });
    const rowCount = rowCountOf(frame);
    if (snapshot !== undefined) {
      this.#baselines.remember(frame, { table, snapshot, rowCount, partial: rowCount === limit });
    }
    return frame;
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
    const { overwrite } = options;
    const report = await this.#run(`query to ${tableName}`, options.signal, (signal, progress) =>
      queryToTable(this.#transport, sql, tableName, { overwrite, signal, progress }),
    );
    const frame = await this.#run(`read ${tableName}`, options.signal, (signal, progress) =>
      this.#readTable(report.table, { ...options, signal, progress }),
    );
    await this.#printReport({ ...report, rowCount: rowCountOf(frame), warnings: [] }, tableName);
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
    await this.#printReport(report, tableName);
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
      const table = quoted(await tableNamed(tableName, { transport: this.#transport, signal }));
      await runSql(this.#transport, `DROP TABLE ${table}`, { signal }).catch((error: Error) => {
        throw /^table .* does not exist$/s.test(error.message)
          ? new TableNotFoundError(noTable(tableName), { table: tableName })
          : error;
      });
      this.#baselines.forget(table);
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

  /** Tells what a write has done, and where the table can be looked at. */
  async #printReport(report: Omit<WriteReport, "baseline">, asked: string): Promise<void> {
    const { table, rowCount, hasGeometry, renamed, warnings, job, isSkipped } = report;
    const { label } = table;
    for (const warning of warnings) console.warn(warning);
    if (isSkipped) {
      console.log(`There is a table ${label}, and it is left as it was: nothing was written.`);
      return;
    }
    if (label !== asked) console.log(`The table is named ${label}.`);
    if (renamed.length > 0)
      console.log(["Columns renamed:", ...renamed.map(({ from, to }) => `  ${from} → ${to}`)].join("\n"));
    const { baseUrl, isCurrent } = await this.#transport.endpoint();
    const page = isCurrent ? "" : `: ${baseUrl}/dataset/${encodeURIComponent(label)}`;
    const rows = `${rowCount.toLocaleString("en-US")} ${rowCount === 1 ? "row" : "rows"}`;
    const call = hasGeometry
      ? `cc.map({ layers: new Layer(${JSON.stringify(label)}) })`
      : `cc.read(${JSON.stringify(label)})`;
    if (!job) console.log(`${rows} written to ${label}${page || `. Look at it: await ${call}`}`);
    else {
      console.log(
        `${rows} sent. A job makes the table ${label} of them, which takes a while: await job.wait() on what write returns${page || "."}`,
      );
    }
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

/** What users write who come from psql. */
const PSQL_COMMAND = /^\s*\\\S*/;

function checkSql(sql: unknown): void {
  if (typeof sql !== "string" || sql.trim() === "")
    throw new InvalidArgumentError("The SQL statement is empty.");
  const command = PSQL_COMMAND.exec(sql)?.[0].trim();
  if (command !== undefined) {
    throw new InvalidArgumentError(
      `${command} is a command of psql and no SQL. For the tables there is await cc.tables(); ` +
        "for their columns SELECT … FROM information_schema.columns.",
    );
  }
}

function checkBatch(query: BatchQuery): void {
  const list = typeof query === "object" && query !== null && "query" in query ? query.query : query;
  const parts: unknown[] = Array.isArray(list) ? list : [list];
  const statements = parts.map((part) => (part as { query?: unknown } | null)?.query ?? part);
  const ok = statements.every((sql) => typeof sql === "string" && sql.trim() !== "");
  if (ok && statements.length > 0) {
    if (list !== query) checkKeys("A job", query as object, OPTION_NAMES.BatchQueries);
    for (const part of parts) {
      if (typeof part === "object") checkOptions("A query of a job", part, OPTION_NAMES.JobQueryOptions);
    }
    return;
  }
  throw new InvalidArgumentError(
    "A job needs a statement, a list of statements, or { query: [{ query, onsuccess, onerror }] }; none may be empty.",
  );
}

function noTable(table: string): string {
  return `There is no table "${table}". See await cc.tables().`;
}
