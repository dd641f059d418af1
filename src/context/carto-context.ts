import type { DataFrame } from "danfojs-node";
import { type BatchQuery, createJob } from "../api/jobs";
import { runSql } from "../api/sql";
import { Transport } from "../api/transport";
import { InvalidArgumentError, TableNotFoundError } from "../errors";
import { isFrame } from "../frame";
import type { Progress } from "../kernel/progress";
import type { MapOptions } from "../map";
import { MapView } from "../render";
import { accountOf, tableName as nameInSql } from "./account";
import { BatchJobStatus } from "./batch-job-status";
import { type ContextOptions, endpointSource, shownAddress } from "./endpoint";
import { mapScene } from "./map";
import { type ReadOptions, readFrame } from "./read";
import { currentLine, runInCell } from "./run-in-cell";
import { readTables } from "./tables";
import { shareTransport } from "./transport-of";
import { type WriteOptions, type WriteReport, writeFrame } from "./write";

/** What `cc.map` takes. */
export interface CartoMapOptions extends MapOptions {
  /** False: a picture instead of a live map. @default true */
  readonly interactive?: boolean;
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

  /**
   * The key is checked on first use; `CartoContext.connect` checks it at once.
   *
   * @param options absent: `CARTO_BASE_URL` and `CARTO_API_KEY`, else the saved Credentials, else the embedded server;
   * they are looked at on first use
   * @throws InvalidArgumentError for an address that is neither https:// (http://, with a warning that the key is
   * not encrypted) nor local:, for one with a password or a query in it, and for an account without a key
   */
  constructor(options: ContextOptions = {}) {
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
  }

  /**
   * A context whose key has been checked.
   * @throws AuthenticationError if the server refuses the key
   */
  static async connect(
    options: ContextOptions & { readonly signal?: AbortSignal } = {},
  ): Promise<CartoContext> {
    const context = new CartoContext(options);
    await accountOf(context.#transport, options.signal);
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
    const { limit } = options;
    if (limit !== undefined && !(Number.isSafeInteger(limit) && limit >= 0)) {
      throw new InvalidArgumentError(`limit is ${String(limit)}; expected an integer of at least 0.`);
    }
    const table = checkName(tableName);
    return this.#run(`read ${table}`, options.signal, async (signal, progress) => {
      const from = nameInSql(await accountOf(this.#transport, signal), table);
      const sql = `SELECT * FROM ${from}${limit === undefined ? "" : ` LIMIT ${limit}`}`;
      return readFrame(this.#transport, sql, { ...options, signal, progress, repeatable: true });
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
   * @param options `decodeGeom`: adds a column `geometry` of wkx geometries
   * @throws SqlError with PostgreSQL's message, hint and SQLSTATE
   */
  async query(sql: string, options: ReadOptions = {}): Promise<DataFrame> {
    if (typeof sql !== "string" || sql.trim() === "")
      throw new InvalidArgumentError("The SQL statement is empty.");
    return this.#run("query", options.signal, (signal, progress) =>
      readFrame(this.#transport, sql, { ...options, signal, progress }),
    );
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
   * @throws TableExistsError if there is a table of that name and `overwrite` is not set
   * @throws InvalidArgumentError for a value that PostgreSQL cannot keep, with its row and column
   */
  async write(df: DataFrame, tableName: string, options: WriteOptions = {}): Promise<null> {
    if (!isFrame(df))
      throw new InvalidArgumentError("The first argument of write must be a danfo.js DataFrame.");
    const name = checkName(tableName);
    const report = await this.#run(`write ${name}`, options.signal, (signal, progress) =>
      writeFrame(this.#transport, df, name, { ...options, signal, progress }),
    );
    printReport(report, name);
    return null;
  }

  /**
   * Deletes a table.
   * @throws TableNotFoundError if there is no such table
   */
  async delete(tableName: string, { signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    const table = checkName(tableName);
    await this.#run(`delete ${table}`, signal, async (signal) => {
      const name = nameInSql(await accountOf(this.#transport, signal), table);
      await runSql(this.#transport, `DROP TABLE ${name}`, { signal }).catch((error: Error) => {
        throw /^table .* does not exist$/.test(error.message)
          ? new TableNotFoundError(noTable(table))
          : error;
      });
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
   *   all three, otherwise it fits the data; `size`: [width, height] in pixels, 800 × 400 by default;
   *   `interactive: false`: a picture
   * @throws InvalidArgumentError for a style that does not fit the data, before a row is fetched
   */
  async map(options: CartoMapOptions = {}): Promise<MapView> {
    const { interactive, signal, ...rest } = options;
    return this.#run("map", signal, async (signal, progress) => {
      const { scene, warnings } = await mapScene(this.#transport, { ...rest, signal, progress });
      for (const warning of warnings) console.warn(warning);
      return new MapView(scene, { interactive });
    });
  }

  /**
   * Lists the tables: name, geometry type, number of rows (of more than a million PostgreSQL's estimate), size in
   * bytes, time of the last change.
   */
  async tables({ signal }: { readonly signal?: AbortSignal } = {}): Promise<DataFrame> {
    return this.#run("tables", signal, async (signal, progress) =>
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
  async batch(
    query: BatchQuery,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<BatchJobStatus> {
    checkBatch(query);
    const job = await this.#run("batch", signal, (signal) => createJob(this.#transport, query, { signal }));
    return new BatchJobStatus(this, job);
  }

  /** Runs one call of a cell: interruptible, with progress once it takes long. */
  async #run<T>(
    label: string,
    signal: AbortSignal | undefined,
    work: (signal: AbortSignal, progress: Progress) => Promise<T>,
  ): Promise<T> {
    return runInCell({ label, signal, waitsFor: () => this.#transport.waitsFor() }, work);
  }

  [INSPECT](): string {
    return `CartoContext(${this.#shownAddress()})`;
  }
}

function checkName(tableName: string): string {
  if (typeof tableName === "string" && tableName !== "") return tableName;
  throw new InvalidArgumentError("The table's name is missing.");
}

function checkBatch(query: BatchQuery): void {
  const list = typeof query === "object" && query !== null && "query" in query ? query.query : query;
  const parts: unknown[] = Array.isArray(list) ? list : [list];
  const statements = parts.map((part) => (part as { query?: unknown } | null)?.query ?? part);
  const ok = statements.every((sql) => typeof sql === "string" && sql.trim() !== "");
  if (ok && statements.length > 0) return;
  throw new InvalidArgumentError(
    "A job needs a statement, a list of statements, or { query: [{ query, onsuccess, onerror }] }; none may be empty.",
  );
}

function noTable(table: string): string {
  return `There is no table "${table}". See await cc.tables().`;
}

function printReport({ table, rowCount, renamed, warnings }: WriteReport, asked: string): void {
  for (const warning of warnings) console.warn(warning);
  if (table !== asked) console.log(`The table is named ${table}.`);
  if (renamed.length > 0)
    console.log(["Columns renamed:", ...renamed.map(({ from, to }) => `  ${from} → ${to}`)].join("\n"));
  console.log(`${rowCount.toLocaleString("en-US")} ${rowCount === 1 ? "row" : "rows"} written to ${table}.`);
}
