/** The work of `cartoframes observatory …`: runs statements through the local server's SQL API and returns lines of text. */
import { readFile } from "node:fs/promises";
import type { PublishedMeasure } from "../api/schemas/observatory";
import { ServerError } from "../errors";
import type { LocalServer } from "../local/launcher";
import { inTransaction } from "../server/observatory/observatory-sql";
import { readStarter, starterSql } from "../server/observatory/starter";
import { ident, literal } from "../sql";

interface Answer {
  readonly rows?: readonly Record<string, unknown>[];
  readonly notices?: readonly string[];
  readonly warnings?: readonly string[];
  readonly error?: readonly string[];
  readonly hint?: string;
}

/** Describes a table that becomes a boundary level, measures, or both. See `OBS_Publish` in docs/observatory.md. */
export interface Publication {
  readonly dataset: string;
  readonly timespan: string;
  readonly boundary: {
    readonly id: string;
    readonly id_column: string;
    readonly name?: string;
    readonly name_column?: string;
    readonly geometry_column?: string;
    readonly same_areas_as?: string;
  };
  readonly measures: readonly PublishedMeasure[];
}

export class ObservatoryCommands {
  readonly #server: LocalServer;
  readonly #tell: (line: string) => void;

  /** @param tell called with each notice of the server, such as one about the installation */
  constructor(server: LocalServer, tell: (line: string) => void) {
    this.#server = server;
    this.#tell = tell;
  }

  async list(): Promise<string[]> {
    const rows = await this.#sql(
      "SELECT id, name, boundaries::int, measures::int, timespans, license FROM OBS_Datasets()",
    );
    const installed = new Set(rows.map(({ id }) => id));
    const { datasets } = await readStarter();
    const width = Math.max(...[...rows, ...datasets].map(({ id }) => String(id).length));
    return [
      ...rows.map(({ id, name, boundaries, measures, timespans }) => {
        const levels = Number(boundaries) > 0 ? `${boundaries} boundary levels, ` : "";
        return `${String(id).padEnd(width)}  ${name}: ${levels}${measures} measures, ${timespans}`;
      }),
      ...datasets
        .filter(({ id }) => !installed.has(id))
        .map(
          ({ id, name }) =>
            `${id.padEnd(width)}  ${name} (not installed; to add it, run \`npx cartoframes observatory add ${id}\`)`,
        ),
    ];
  }

  async info(dataset: string): Promise<string[]> {
    const [row] = await this.#sql(`SELECT OBS_Dataset(${literal(dataset)}) AS info`);
    const info = row?.info as DatasetInfo | null | undefined;
    if (!info) throw await this.#unknown(dataset);
    const { id, name, description, source, license, version, boundaries, measures } = info;
    return [
      `${id}: ${name}`,
      ...(description ? [description] : []),
      `Source:  ${source ?? "not given"}`,
      `Licence: ${license ?? "not given"}`,
      ...(version ? [`Version: ${version}`] : []),
      ...(boundaries.length > 0 ? ["", "Boundaries"] : []),
      ...boundaries.map((level) => `  ${level.id}  ${level.name}, ${level.areas} areas, ${level.timespan}`),
      ...(measures.length > 0 ? ["", "Measures"] : []),
      ...measures.flatMap((measure) => [
        `  ${measure.id}  ${measure.name}${measure.unit ? ` (${measure.unit})` : ""}`,
        ...(measure.description ? [`      ${measure.description}`] : []),
        `      ${[
          measure.aggregate ?? "no aggregate",
          ...measure.denominators.map((denominator) => `of ${denominator}`),
          `by ${measure.boundaries.join(", ")}`,
          measure.timespans.join(", "),
        ].join("; ")}`,
        ...(measure.source && measure.source !== source ? [`      ${measure.source}`] : []),
        ...(measure.license && measure.license !== license ? [`      ${measure.license}`] : []),
      ]),
    ];
  }

  /** Adds a dataset of the starter catalog, or updates it to this version. */
  async addStarter(dataset: string): Promise<string[]> {
    const catalog = await readStarter();
    const starter = catalog.datasets.find(({ id }) => id === dataset);
    if (!starter) {
      throw new ServerError(
        `The starter catalog has no dataset named "${dataset}". It has ${catalog.datasets.map(({ id }) => id).join(", ")}. To publish your own table, pass --table.`,
      );
    }
    const [row] = await this.#sql(
      "SELECT n.nspname AS schema, OBS_DumpVersion() FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'postgis'",
    );
    const sql = await starterSql({ ...catalog, datasets: [starter] }, String(row!.schema));
    await this.#sql(inTransaction(`adding ${dataset}`, sql));
    return [`Added ${dataset}.`];
  }

  async addTable(table: string, publication: Publication): Promise<string[]> {
    const name = table
      .split(".")
      .map((part) => ident(part))
      .join(".");
    await this.#sql(`SELECT OBS_Publish(${literal(name)}, ${literal(JSON.stringify(publication))})`);
    return [
      `Added ${publication.dataset}. To see it, run \`npx cartoframes observatory info ${publication.dataset}\`.`,
    ];
  }

  async remove(dataset: string): Promise<string[]> {
    await this.#sql(`SELECT OBS_Unpublish(${literal(dataset)})`);
    return [`Removed ${dataset}.`];
  }

  async #unknown(dataset: string): Promise<ServerError> {
    const rows = await this.#sql("SELECT id FROM OBS_Datasets()");
    const known = rows.map(({ id }) => id).join(", ");
    return new ServerError(`No dataset is named "${dataset}". Available datasets: ${known || "none"}.`);
  }

  async #sql(q: string): Promise<readonly Record<string, unknown>[]> {
    const { baseUrl, key } = this.#server;
    const response = await fetch(`${baseUrl}/api/v2/sql`, {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        Authorization: `Basic ${Buffer.from(`local:${key}`).toString("base64")}`,
      },
      body: JSON.stringify({ q }),
    });
    const { rows = [], notices = [], warnings = [], error, hint } = (await response.json()) as Answer;
    for (const line of [...warnings, ...notices]) this.#tell(line);
    if (error) throw new ServerError([...error, ...(hint ? [hint] : [])].join(" "));
    return rows;
  }
}

interface DatasetInfo {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly source: string | null;
  readonly license: string | null;
  readonly version: string | null;
  readonly boundaries: readonly { id: string; name: string; timespan: string; areas: number }[];
  readonly measures: readonly {
    id: string;
    name: string;
    description: string | null;
    aggregate: string | null;
    unit: string | null;
    source: string | null;
    license: string | null;
    denominators: string[];
    boundaries: string[];
    timespans: string[];
  }[];
}

/**
 * Reads the description of a table for `OBS_Publish` from a JSON file.
 * @throws ServerError if the file cannot be read or does not contain a JSON object
 */
export async function readPublication(file: string): Promise<Publication> {
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new ServerError(`Cannot read ${file} (${error.code}).`);
  });
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Publication;
  } catch {
    // reported below
  }
  throw new ServerError(`${file} must contain a JSON object. See OBS_Publish in docs/observatory.md.`);
}
