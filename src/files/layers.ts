/** Lists the layers of files. */
import { inspect } from "node:util";
import { fetchLayers } from "../api/imports";
import type { Transport } from "../api/transport";
import { InvalidArgumentError } from "../errors";
import type { Progress } from "../kernel/progress";
import type { FileOptions } from "./reading";
import { rowsText } from "./report";
import { type FileSource, uploadsOf, withProgress } from "./source";

/** A layer of a file: a table of a GeoPackage, a sheet of a workbook, or all of a CSV file. */
export interface FileLayer {
  /** Name for the option `layer`. */
  readonly name: string;
  /** Name of the file. */
  readonly file: string;
  /** Type of the geometries, such as `"MULTIPOLYGON"`; `"GEOMETRY"` if there are several or it is unknown; null without geometries. */
  readonly geometry: string | null;
  /** Number of rows; null if the format does not tell. */
  readonly rows: number | null;
  /** EPSG code of the coordinates; null without geometries, or if it is unknown. */
  readonly srid: number | null;
  /** Columns with their names in the file, and their types in PostgreSQL. */
  readonly columns: readonly { readonly name: string; readonly type: string }[];
}

/** Options of `cc.layers`. */
export interface LayersOptions extends Pick<FileOptions, "encoding" | "signal"> {}

/**
 * Sends files to the local server, which describes their layers.
 * @throws InvalidArgumentError for an account
 */
export async function listLayers(
  transport: Transport,
  source: FileSource,
  {
    encoding,
    signal,
    progress,
  }: { readonly encoding?: string; readonly signal: AbortSignal; readonly progress: Progress },
): Promise<readonly FileLayer[]> {
  if (transport.kind === "account") {
    throw new InvalidArgumentError(
      "`cc.layers` works on the local server only, because an account's Import API has no such call. Use a CartoContext without `baseUrl`.",
    );
  }
  const layers: FileLayer[] = [];
  for (const upload of await uploadsOf(source)) {
    layers.push(...(await fetchLayers(transport, withProgress(upload, progress), { encoding, signal })));
  }
  return Object.defineProperty(layers, inspect.custom, { value: () => layers.map(layerText).join("\n") });
}

function layerText({ name, geometry, rows, srid, columns }: FileLayer, at: number): string {
  const facts = [
    rows === null ? "unknown number of rows" : rowsText(rows),
    geometry ?? "no geometry",
    ...(srid === null ? [] : [`EPSG:${srid}`]),
  ];
  return [
    `${at}: ${name} (${facts.join(", ")})`,
    ...columns.map(({ name, type }) => `     ${name}: ${type}`),
  ].join("\n");
}
