import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import writeFileAtomic from "write-file-atomic";
import * as z from "zod";
import { ImportedTable as ReportedTable } from "../../api/schemas/imports";
import { parseJson } from "../../values";
import { errorText, type ImportErrorCode } from "./errors";
import { Reading } from "./reading";

/** Maximum number of tables from one archive. The others are left out, with a warning. */
export const MAX_TABLES_PER_IMPORT = 26;
const KEEP_FINISHED_MS = 24 * 60 * 60_000;

export const COLLISION_STRATEGIES = ["skip", "overwrite"] as const;
export const PRIVACIES = ["public", "private", "link"] as const;

const STATES = [
  "enqueued",
  "pending",
  "uploading",
  "unpacking",
  "importing",
  "guessing",
  "geocoding",
  "complete",
  "failure",
] as const;
export type ImportState = (typeof STATES)[number];

/** A table that an import made, of which this server reports everything. */
const ImportedTable = ReportedTable.required({ wanted: true, rows: true });
export type ImportedTable = z.infer<typeof ImportedTable>;

/** One import as stored on disk: its options and its progress. */
const ImportRecord = z.object({
  id: z.uuid(),
  createdAt: z.iso.datetime(),
  finishedAt: z.iso.datetime().nullable(),
  dataType: z.enum(["file", "url", "query", "table"]),
  state: z.enum(STATES),
  displayName: z.string(),
  originalUrl: z.string(),
  typeGuessing: z.boolean(),
  quotedFieldsGuessing: z.boolean(),
  contentGuessing: z.boolean(),
  createVisualization: z.boolean(),
  collisionStrategy: z.enum(COLLISION_STRATEGIES).nullable(),
  privacy: z.enum(PRIVACIES).nullable(),
  reading: Reading.default({}),
  tableId: z.string().nullable(),
  tables: z.array(ImportedTable),
  errorCode: z.custom<ImportErrorCode>((code) => typeof code === "number").nullable(),
  errorDetail: z.string(),
  /** Status of a download that the server refused. */
  httpStatus: z.object({ code: z.number(), message: z.string() }).nullable(),
  tooManyTables: z.boolean(),
  leftOut: z.array(z.string()).default([]),
  /** Number of geometries that cannot be used and are NULL; missing in records of older versions. */
  unusableGeometries: z.number().default(0),
});
export type ImportRecord = z.infer<typeof ImportRecord>;

export const isFinished = ({ state }: ImportRecord) => state === "complete" || state === "failure";

/** Id of the only account of a local server. It never changes. */
const USER_ID = "16fd2706-8baf-433b-82eb-8c7fada847da";

/** Returns the import as the API shows it (section 5.2 of the protocol). Only a finished import has `success`. */
export function importObject(record: ImportRecord): Record<string, unknown> {
  const { state, errorCode, httpStatus } = record;
  return {
    id: record.id,
    queue_id: record.id,
    user_id: USER_ID,
    table_id: record.tableId,
    data_type: record.dataType,
    table_name: record.tables[0]?.name ?? null,
    state,
    error_code: errorCode,
    tables_created_count: state === "complete" ? record.tables.length : null,
    tables: record.tables,
    left_out: record.leftOut,
    synchronization_id: null,
    type_guessing: record.typeGuessing,
    quoted_fields_guessing: record.quotedFieldsGuessing,
    content_guessing: record.contentGuessing,
    create_visualization: record.createVisualization,
    visualization_id: null,
    user_defined_limits: '{"twitter_credits_limit":0}',
    get_error_text: errorCode === null ? null : errorText(errorCode, record.errorDetail),
    display_name: record.displayName,
    ...(isFinished(record) && { success: state === "complete" }),
    warnings: warningsOf(record),
    is_raster: false,
    original_url: record.originalUrl,
    ...(state === "complete" && { any_table_raster: false, derived_visualization_id: null }),
    ...(httpStatus && {
      http_response_code: httpStatus.code,
      http_response_code_message: httpStatus.message,
    }),
  };
}

function warningsOf({ tooManyTables, unusableGeometries }: ImportRecord): Record<string, number> | null {
  const warnings = {
    ...(tooManyTables && { max_tables_per_import: MAX_TABLES_PER_IMPORT }),
    ...(unusableGeometries > 0 && { unusable_geometries: unusableGeometries }),
  };
  return Object.keys(warnings).length > 0 ? warnings : null;
}

/** The records of a folder, one file each. Files are complete at any time, even if the server is killed. */
export class RecordStore {
  constructor(readonly dir: string) {}

  /** Returns all records. Removes old records, files that cannot be read, and anything else in the folder. */
  async open(): Promise<ImportRecord[]> {
    await mkdir(this.dir, { recursive: true, mode: 0o700 });
    const records: ImportRecord[] = [];
    for (const name of await readdir(this.dir)) {
      const file = join(this.dir, name);
      const text = name.endsWith(".json") ? await readFile(file, "utf8").catch(() => "") : "";
      const { data: record } = ImportRecord.safeParse(parseJson(text));
      if (record && !isOld(record)) records.push(record);
      else await rm(file, { recursive: true, force: true });
    }
    return records;
  }

  async write(record: ImportRecord): Promise<void> {
    await writeFileAtomic(this.#file(record), JSON.stringify(record), { mode: 0o600 });
  }

  async remove(record: ImportRecord): Promise<void> {
    await rm(this.#file(record), { force: true });
  }

  #file({ id }: ImportRecord): string {
    return join(this.dir, `${id}.json`);
  }
}

export function isOld({ finishedAt }: ImportRecord): boolean {
  return finishedAt !== null && Date.now() - Date.parse(finishedAt) > KEEP_FINISHED_MS;
}
