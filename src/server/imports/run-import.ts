import { join } from "node:path";
import { normalizeColumnNames, normalizeTableName } from "../../frame/names";
import { ident, literal, temporaryName } from "../../sql";
import { queryText } from "../../sql-lexer";
import type { Privacy } from "../datasets";
import { DatabaseError, type Engine, lastRows } from "../engine/engine";
import { download } from "./download";
import { asFailure, ImportFailure } from "./errors";
import type { FileToImport } from "./file";
import { filterTable } from "./filter";
import { Gdal } from "./gdal/gdal";
import { cartodbfy } from "./load";
import { checkReplaceable, type LoadedTable, publish } from "./publish";
import { Reader } from "./reader/reader";
import { chosenLayers } from "./reading";
import { type ImportedTable, type ImportRecord, type ImportState, MAX_TABLES_PER_IMPORT } from "./record";
import { type Opened, tableSources } from "./sources";
import { takenNames } from "./table-names";
import type { FileOptions, LayerSource, LoadedContent } from "./table-source";
import { unpack } from "./unpack";

/** An uploaded file, or one to download. */
export type FileSource =
  | { readonly kind: "file"; readonly file: FileToImport }
  | { readonly kind: "url"; readonly url: string };

/** Source of the rows. `displayName` identifies it to the user. */
export type ImportSource = { readonly displayName: string } & (
  | FileSource
  | { readonly kind: "query"; readonly sql: string; readonly tableName: string }
  | { readonly kind: "table"; readonly from: string; readonly tableName: string }
);

interface Job {
  readonly engine: Engine;
  /** Folder for the files of the import, which the caller removes. */
  readonly dir: string;
  /** Record of the import. `httpStatus` is set during a download. */
  readonly record: ImportRecord;
  readonly source: ImportSource;
  readonly enter: (state: ImportState) => Promise<void>;
  readonly signal: AbortSignal;
}

type Result = Pick<
  ImportRecord,
  "tables" | "tooManyTables" | "leftOut" | "unusableGeometries" | "errorCode" | "errorDetail"
>;

const COMPLETE = {
  tooManyTables: false,
  leftOut: [] as string[],
  unusableGeometries: 0,
  errorCode: null,
  errorDetail: "",
} as const;
const SKIPPED: Result = {
  ...COMPLETE,
  tables: [],
  errorCode: 1022,
  errorDetail: "Tables with these names exist, and collision_strategy is skip.",
};

/**
 * Runs one import from its source to its tables.
 * @throws ImportFailure; no table is left behind
 */
export async function runImport(job: Job): Promise<Result> {
  const { source } = job;
  if (source.kind === "query") return fromSql(job, source.tableName, queryOf(source.sql));
  if (source.kind === "table") return fromSql(job, source.tableName, `SELECT * FROM ${ident(source.from)}`);
  const { dir, record, signal } = job;
  const { srid } = record.reading;
  if (srid !== undefined) await checkSrid(job.engine, srid);
  if (source.kind === "url") await job.enter("uploading");
  const file = await fileOf(source, dir, signal, (httpStatus) => {
    record.httpStatus = httpStatus;
  });
  record.displayName = file.name;
  await job.enter("unpacking");
  const files = await unpack(file, join(dir, "unpacked"), signal);
  await job.enter("importing");
  const { typeGuessing, quotedFieldsGuessing, contentGuessing, reading } = record;
  const options = { typeGuessing, quotedFieldsGuessing, contentGuessing, reading };
  return withSources(files, job, options, (opened) => fromSources(job, opened));
}

/** Returns the uploaded file, or downloads one. */
export async function fileOf(
  source: FileSource,
  dir: string,
  signal: AbortSignal,
  onStatus: Parameters<typeof download>[2]["onStatus"],
): Promise<FileToImport> {
  return source.kind === "file" ? source.file : download(source.url, dir, { signal, onStatus });
}

/** Calls `work` with the tables of the files, while their readers run. */
export async function withSources<T>(
  files: readonly FileToImport[],
  { dir, signal, enter }: Pick<Job, "dir" | "signal" | "enter">,
  options: Omit<FileOptions, "beside">,
  work: (opened: Opened) => Promise<T>,
): Promise<T> {
  const gdal = new Gdal(join(dir, "gdal"), signal);
  const reader = new Reader(enter, signal);
  try {
    return await work(await tableSources(files, { reader, gdal, signal }, options));
  } finally {
    await Promise.all([gdal.close(), reader.close()]);
  }
}

async function checkSrid(engine: Engine, srid: number): Promise<void> {
  const known = await engine.query(`SELECT FROM spatial_ref_sys WHERE srid = ${srid}`);
  if (lastRows(known).length > 0) return;
  throw new ImportFailure(
    3008,
    `\`srid\` is ${srid}, which is no known coordinate system. Pass an EPSG code, such as 27700.`,
  );
}

async function fromSources(job: Job, { sources: all, unknown }: Opened): Promise<Result> {
  const { engine, record } = job;
  const chosen = chosenLayers(all, record.reading);
  const sources = await notSkipped(job, chosen.slice(0, MAX_TABLES_PER_IMPORT));
  if (sources.length === 0) return SKIPPED;
  const extra = record.reading.layer ? [] : all.filter(({ isExtra }) => isExtra);
  const leftOut = [...extra, ...chosen.slice(MAX_TABLES_PER_IMPORT)].map(
    ({ file, layer }) => `${file}: ${layer}`,
  );
  const tables: LoadedTable[] = [];
  const contents: LoadedContent[] = [];
  return cleanedUp(engine, tables, async () => {
    for (const source of sources) {
      const table = { temporary: temporaryName(), wanted: source.name };
      tables.push(table);
      const content = await load(job, table.temporary, source);
      if (content === null) {
        tables.pop();
        await engine.query(`DROP TABLE ${ident(table.temporary)}`);
        continue;
      }
      contents.push(content);
    }
    if (tables.length === 0) throw new ImportFailure(1005, "The file contains no features.");
    const names = await publishAll(job, tables);
    return {
      ...COMPLETE,
      // `!`: each loaded table has a name and contents
      tables: tables.map(({ wanted }, i) => ({
        name: names[i]!,
        wanted: normalizeTableName(wanted),
        ...contents[i]!,
      })),
      tooManyTables: chosen.length > MAX_TABLES_PER_IMPORT,
      leftOut: [...leftOut, ...unknown],
      unusableGeometries: contents.flatMap(({ unread }) => unread).reduce((sum, { count }) => sum + count, 0),
    };
  });
}

/** Loads the chosen rows and columns. Returns null for a layer without features, which becomes no table. */
async function load(job: Job, table: string, source: LayerSource): Promise<LoadedContent | null> {
  const { engine, record, signal } = job;
  const content = await source.load(engine, table, signal);
  if (content === null) return null;
  const { renamed } = content;
  const { removed, dropped } = await filterTable(engine, table, record.reading, { renamed, signal });
  return {
    ...content,
    rows: content.rows - removed,
    renamed: renamed.filter(({ to }) => !dropped.includes(to)),
  };
}

/** Before the rows are read: with `skip`, drops the sources whose table exists; with `overwrite`, refuses what must stay. */
async function notSkipped({ engine, record }: Job, sources: LayerSource[]): Promise<LayerSource[]> {
  if (record.collisionStrategy === "overwrite") {
    for (const { name } of sources) await checkReplaceable(engine, normalizeTableName(name));
  }
  if (record.collisionStrategy !== "skip") return sources;
  const taken = await takenNames(engine);
  return sources.filter(({ name }) => !taken.has(normalizeTableName(name)));
}

async function fromSql(job: Job, tableName: string, query: string): Promise<Result> {
  const { engine, record, signal } = job;
  await job.enter("importing");
  if (record.collisionStrategy === "skip" && (await takenNames(engine)).has(normalizeTableName(tableName)))
    return SKIPPED;
  if (record.collisionStrategy === "overwrite") await checkReplaceable(engine, normalizeTableName(tableName));
  const temporary = temporaryName();
  const tables = [{ temporary, wanted: tableName }];
  return cleanedUp(engine, tables, async () => {
    await engine.query(`CREATE TABLE ${ident(temporary)} AS ${query}\n`, { signal }).catch((error) => {
      throw queryFailure(error);
    });
    const renamed = await renameColumns(engine, temporary, signal);
    await cartodbfy(engine, temporary, signal).catch((error) => {
      const isId = error instanceof DatabaseError && /invalid cartodb_id/i.test(error.message);
      throw isId
        ? new ImportFailure(
            2011,
            `${error.message}. Leave cartodb_id out of the query to have the rows numbered automatically.`,
          )
        : queryFailure(error);
    });
    const [name = ""] = await publishAll(job, tables);
    const rows = await countRows(engine, name);
    return {
      ...COMPLETE,
      tables: [{ name, wanted: normalizeTableName(tableName), rows, renamed, unread: [] }],
    };
  });
}

function publishAll({ engine, record, signal }: Job, tables: readonly LoadedTable[]): Promise<string[]> {
  const overwrite = record.collisionStrategy === "overwrite";
  const privacy = (record.privacy?.toUpperCase() as Privacy | undefined) ?? null;
  return publish(engine, tables, { overwrite, privacy, signal });
}

/** Drops the temporary tables if `work` fails. After it succeeds, they have been renamed. */
async function cleanedUp<T>(
  engine: Engine,
  tables: readonly LoadedTable[],
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    for (const { temporary } of tables) {
      // A table that cannot be dropped now is dropped by the next server.
      await engine.query(`DROP TABLE IF EXISTS ${ident(temporary)}`).catch(() => {});
    }
    throw error;
  }
}

function queryOf(sql: string): string {
  const query = queryText(sql);
  if (query === undefined)
    throw new ImportFailure(8003, "`sql` must be one query: SELECT, WITH, VALUES or TABLE.");
  return query;
}

/** Errors of a merge of two tables whose joined columns have different types. */
const TYPES_DIFFER = /operator does not exist: .* = |types .* cannot be matched|type .* cannot be matched/;

function queryFailure(error: unknown): ImportFailure {
  if (!(error instanceof DatabaseError)) return asFailure(error);
  const disk = asFailure(error);
  if (disk.code === 8001) return disk;
  const { message, hint } = error;
  const detail = [`${message}.`, hint].filter(Boolean).join(" ");
  return new ImportFailure(TYPES_DIFFER.test(message) ? 8004 : 8003, detail, { cause: error });
}

async function countRows(engine: Engine, table: string): Promise<number> {
  const { statements } = await engine.query(`SELECT count(*) FROM ${ident(table)}`);
  return Number(statements.at(-1)?.rows[0]?.[0]);
}

async function renameColumns(
  engine: Engine,
  table: string,
  signal: AbortSignal,
): Promise<ImportedTable["renamed"]> {
  const { statements } = await engine.query(`SELECT CDB_ColumnNames(${literal(ident(table))}::regclass)`);
  const names = (statements.at(0)?.rows ?? []).map(([name]) => name ?? "");
  const kept = names.filter((name) => normalizeColumnNames([name])[0] === name);
  const others = names.filter((name) => !kept.includes(name));
  const renamed = normalizeColumnNames(others, names);
  const changes = others.map((from, i) => ({ from, to: renamed[i] ?? from }));
  const steps = changes.map(
    ({ from, to }) => `ALTER TABLE ${ident(table)} RENAME ${ident(from)} TO ${ident(to)}`,
  );
  if (steps.length > 0) await engine.query(steps.join(";\n"), { signal });
  return changes;
}
