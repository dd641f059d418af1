import type { DataFrame } from "danfojs-node";
import { runSql } from "../api/sql";
import type { Transport } from "../api/transport";
import { describe } from "../context/read/describe";
import { readFrame } from "../context/read/read";
import { quoted, type TableName, tableNamed, temporaryTable } from "../context/tables/table-name";
import { dropTemporary } from "../context/write/new-table";
import { writeFrame } from "../context/write/write";
import { InvalidArgumentError, SqlError } from "../errors";
import { isFrame, rowCountOf } from "../frame";
import type { Progress } from "../kernel/progress";
import { OPTION_NAMES } from "../option-names";
import { type CallOptions, checkOptions, listed, near } from "../options";
import { literal } from "../sql";
import { explainLacking } from "./explain";
import { checkPublication, datasetOf, type PublishOptions, publicationJson } from "./publication";

/** Result of `cc.observatory.publish`. */
export interface Published {
  /** Id of the dataset. */
  readonly dataset: string;
  /** Id of the boundary level. */
  readonly boundary: string;
  /** Timespan of the data. */
  readonly timespan: string;
  /** Number of measures. */
  readonly measures: number;
  /** Number of rows that do not belong to any area of the level. */
  readonly outside: number;
}

/** A dataset of the catalog, as `cc.observatory.info` returns it. */
export interface DatasetInfo {
  /** Id of the dataset. */
  readonly id: string;
  /** Name of the dataset for people. */
  readonly name: string;
  /** Description of the dataset; null if not given. */
  readonly description: string | null;
  /** Source of the data; null if not given. */
  readonly source: string | null;
  /** Licence of the data; null if not given. */
  readonly license: string | null;
  /** Version of the data; null if not given. */
  readonly version: string | null;
  /** Time of publication, ISO 8601. */
  readonly published_at: string;
  /** Boundary levels: `id`, `name`, `description`, `timespan`, and the number of `areas`. */
  readonly boundaries: readonly Record<string, unknown>[];
  /**
   * Measures: `id`, `name`, `description`, `type`, `aggregate`, `unit`, `source`, `license`, `denominators`, `boundaries`
   * and `timespans`.
   */
  readonly measures: readonly Record<string, unknown>[];
}

/** Runs the calls of a context, with progress and interrupts. */
export interface Caller {
  readonly transport: Transport;
  run<T>(
    label: string,
    signal: AbortSignal | undefined,
    work: (signal: AbortSignal, progress: Progress) => Promise<T>,
  ): Promise<T>;
}

/**
 * The catalog of the Data Observatory: lists its datasets, and publishes your own. `cc.observatory` is the catalog of a
 * context. You can publish to a local server, but not to an account.
 */
export class Observatory {
  readonly #caller: Caller;

  /** @internal Created by `CartoContext`. */
  constructor(caller: Caller) {
    this.#caller = caller;
  }

  /**
   * Adds your own data to the catalog: boundaries, measures of existing boundaries, or both. `cc.dataDiscovery`, `cc.data`
   * and `cc.dataBoundaries` then find them. The data are copied; publishing the same dataset, boundary and timespan again
   * replaces them.
   *
   * ```ts
   * const museums = new DataFrame({ fips: ["06", "36"], museums: [120, 96] });
   * await cc.observatory.publish(museums, {
   *   name: "Museums by state", timespan: "2024", region: "USA",
   *   boundary: { id: "us.census.tiger.state_clipped", idColumn: "fips" },
   *   measures: [{ column: "museums", name: "Museums", aggregate: "sum" }],
   * });
   * ```
   *
   * @param data a DataFrame, or the name of a table
   * @param options description of the dataset; `name`, `timespan` and `boundary` are required
   * @throws InvalidArgumentError if there are no rows, or if the description is incomplete or names a missing column
   * @throws SqlError on an account, whose catalog is read-only
   */
  async publish(data: DataFrame | string, options: PublishOptions): Promise<Published> {
    checkPublication(options);
    if (typeof data !== "string" && !isFrame(data)) {
      throw new InvalidArgumentError("`data` must be a danfo.js DataFrame or the name of a table.");
    }
    if (typeof data !== "string" && rowCountOf(data) === 0)
      throw new InvalidArgumentError("Cannot publish: the frame has no rows.");
    const dataset = datasetOf(options);
    const { transport, run } = this.#caller;
    const published = await run(`publish ${dataset}`, options.signal, async (signal, progress) => {
      // Fails on an account before a frame is uploaded for nothing.
      await ask(transport, "SELECT FROM OBS_Datasets() LIMIT 0", { signal, repeatable: true });
      if (typeof data === "string") return publishTable(transport, data, options, signal);
      return publishFrame(transport, data, options, { signal, progress });
    });
    const what = published.measures === 1 ? "1 measure" : `${published.measures} measures`;
    console.log(
      `Published ${what} of ${published.boundary} for ${published.timespan} as dataset "${dataset}".`,
    );
    return published;
  }

  /** Lists the datasets of the catalog: id, name, numbers of boundary levels and measures, timespans, source, licence. */
  async list(options: CallOptions = {}): Promise<DataFrame> {
    checkOptions("list", options, OPTION_NAMES.CallOptions);
    const { transport, run } = this.#caller;
    return run("observatory", options.signal, (signal, progress) =>
      readFrame(transport, "SELECT * FROM OBS_Datasets()", { signal, progress, repeatable: true }).catch(
        (error) => {
          throw explainLacking(error);
        },
      ),
    );
  }

  /**
   * Describes a dataset: its boundaries and measures with units, sources, licences and timespans.
   * @param dataset id of the dataset
   * @throws InvalidArgumentError if the catalog has no dataset with this id
   */
  async info(dataset: string, options: CallOptions = {}): Promise<DatasetInfo> {
    checkOptions("info", options, OPTION_NAMES.CallOptions);
    checkDataset(dataset);
    const { transport, run } = this.#caller;
    return run("observatory", options.signal, async (signal) => {
      const read = { signal, repeatable: true };
      const { rows } = await ask(transport, `SELECT OBS_Dataset(${literal(dataset)}) AS info`, read);
      if (rows[0]?.info != null) return rows[0].info as DatasetInfo;
      throw await noDataset(transport, dataset, signal);
    });
  }

  /**
   * Removes a dataset from the catalog. The table or frame that it was published from is unchanged.
   * @param dataset id of the dataset
   * @throws InvalidArgumentError if the catalog has no dataset with this id
   * @throws SqlError if other datasets have measures of its boundaries
   */
  async remove(dataset: string, options: CallOptions = {}): Promise<void> {
    checkOptions("remove", options, OPTION_NAMES.CallOptions);
    checkDataset(dataset);
    const { transport, run } = this.#caller;
    await run(`remove ${dataset}`, options.signal, async (signal) => {
      await ask(transport, `SELECT OBS_Unpublish(${literal(dataset)})`, { signal }).catch(async (error) => {
        throw /^No dataset is named /.test(error.message)
          ? await noDataset(transport, dataset, signal)
          : error;
      });
    });
  }
}

async function ask(...[transport, sql, options]: Parameters<typeof runSql>): ReturnType<typeof runSql> {
  return runSql(transport, sql, options).catch((error) => {
    throw explainLacking(error);
  });
}

function checkDataset(dataset: unknown): void {
  if (typeof dataset !== "string" || dataset === "")
    throw new InvalidArgumentError(
      "`dataset` must be the id of a dataset; await cc.observatory.list() lists them.",
    );
}

async function noDataset(
  transport: Transport,
  dataset: string,
  signal: AbortSignal,
): Promise<InvalidArgumentError> {
  const { rows } = await ask(transport, "SELECT id FROM OBS_Datasets()", { signal, repeatable: true });
  const ids = rows.map(({ id }) => String(id));
  const [meant] = near(dataset, ids);
  const hint = meant === undefined ? "" : ` Did you mean ${JSON.stringify(meant)}?`;
  return new InvalidArgumentError(
    `No dataset is named ${JSON.stringify(dataset)}.${hint} Available datasets: ${listed(ids)}.`,
  );
}

async function publishTable(
  transport: Transport,
  tableName: string,
  options: PublishOptions,
  signal: AbortSignal,
): Promise<Published> {
  const table = await tableNamed(tableName, { transport, signal });
  const fields = await describe(transport, `SELECT * FROM ${quoted(table)}`, { signal });
  const names = (fields ?? []).map(({ name }) => name);
  refuseMissing(`Table "${table.label}"`, names, options);
  return publishAs(
    transport,
    table,
    publicationJson(options, (name) => name),
    signal,
  );
}

/** Writes the frame to a temporary table, from which the server copies it into the catalog. */
async function publishFrame(
  transport: Transport,
  frame: DataFrame,
  options: PublishOptions,
  work: { readonly signal: AbortSignal; readonly progress: Progress },
): Promise<Published> {
  const { geometry } = options;
  refuseMissing("The frame", frame.columns, options);
  const temporary = await temporaryTable({ transport, signal: work.signal });
  try {
    const { table, renamed, warnings } = await writeFrame(transport, frame, temporary.label, {
      ...work,
      ...(geometry !== undefined && { geomCol: geometry }),
    });
    for (const warning of warnings) console.warn(warning);
    const names = new Map(renamed.map(({ from, to }) => [from, to]));
    const columnNamed = (name: string) => (name === geometry ? "the_geom" : (names.get(name) ?? name));
    return await publishAs(transport, table, publicationJson(options, columnNamed), work.signal, "the frame");
  } finally {
    await dropTemporary(transport, temporary);
  }
}

/** @throws InvalidArgumentError if the options name a column that is missing */
function refuseMissing(what: string, names: readonly string[], options: PublishOptions): void {
  const { boundary, geometry, measures = [] } = options;
  const wanted = [boundary.idColumn, boundary.nameColumn, geometry, ...measures.map(({ column }) => column)];
  for (const name of wanted) {
    if (name === undefined || names.includes(name)) continue;
    const [meant] = near(name, names);
    const hint = meant === undefined ? "" : ` Did you mean ${JSON.stringify(meant)}?`;
    throw new InvalidArgumentError(
      `${what} has no column ${JSON.stringify(name)}.${hint} Its columns are ${listed(names)}.`,
    );
  }
}

async function publishAs(
  transport: Transport,
  table: TableName,
  json: string,
  signal: AbortSignal,
  label = table.label,
): Promise<Published> {
  const inWords = (text: string) =>
    text.replaceAll(`public.${table.table}`, label).replaceAll(table.table, label);
  const sql = `SELECT OBS_Publish(${literal(quoted(table))}::regclass, ${literal(json)}::json) AS published`;
  try {
    const onWarning = (text: string) => console.warn(inWords(text));
    const { rows } = await ask(transport, sql, { signal, onWarning });
    return rows[0]?.published as Published;
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    const { hint, detail } = error;
    const message = error.message.replace(/\n.*/s, "");
    throw new SqlError(
      inWords(message),
      { sqlState: error.sqlState, hint: hint && inWords(hint), detail: detail && inWords(detail) },
      { cause: error },
    );
  }
}
