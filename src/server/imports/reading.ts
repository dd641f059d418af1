/** Which part of a file an import reads, and how. */
import * as z from "zod";
import { near } from "../../options";
import { ident } from "../../sql";
import { ImportFailure } from "./errors";

/** A box around what to keep: [west, south, east, north] in degrees. If west is greater than east, it crosses 180 degrees. */
const Bbox = z.tuple([z.number(), z.number(), z.number(), z.number()]);

export const Reading = z.object({
  /** Names of layers, or their positions, from 0. */
  layer: z.array(z.union([z.string(), z.int()])).optional(),
  /** Encoding of the text, instead of the one that the file declares. */
  encoding: z.string().optional(),
  /** Coordinate system of the geometries, instead of the one that the file names. */
  srid: z.number().optional(),
  /** Names of columns, as in the file or in the table. */
  columns: z.array(z.string()).optional(),
  /** SQL condition for the rows of the table. */
  where: z.string().optional(),
  bbox: Bbox.optional(),
  /** Maximum number of rows. */
  limit: z.int().min(0).optional(),
});
export type Reading = z.infer<typeof Reading>;

/** Returns the limit for a reader, which can stop early if nothing else chooses rows. */
export function readerLimit({ limit, where, bbox }: Reading): number | undefined {
  return where === undefined && bbox === undefined ? limit : undefined;
}

interface Named {
  /** Name of the layer in its file. */
  readonly layer: string;
  /** True for a layer that is read only if it is named, such as the second sheet of a workbook. */
  readonly isExtra?: boolean;
}

/**
 * Returns the layers to read, all by default.
 * @throws ImportFailure 1502 for a layer that does not exist
 */
export function chosenLayers<L extends Named>(layers: readonly L[], { layer: wanted }: Reading): L[] {
  if (wanted === undefined) return layers.filter(({ isExtra }) => !isExtra);
  const names = layers.map(({ layer }) => layer);
  const chosen = wanted.flatMap((one) => {
    const found = layers.filter(({ layer }) => layer === one);
    const counted = layers[Number(one)];
    if (found.length > 0 || counted === undefined) return found.length > 0 ? found : unknown(one, names);
    return [counted];
  });
  return layers.filter((layer) => chosen.includes(layer));
}

function unknown(layer: string | number, names: readonly string[]): never {
  const what =
    typeof layer === "number" ? `The file has no layer number ${layer}` : `No layer is named "${layer}"`;
  throw new ImportFailure(1502, `${what}.${nearest(String(layer), names)} Layers: ${list(names)}.`);
}

/** Suggests a name. */
export function nearest(name: string, names: readonly string[]): string {
  const [meant] = near(name, names);
  return meant === undefined ? "" : ` Did you mean ${ident(meant)}?`;
}

const MAX_LISTED = 50;

export function list(names: readonly string[]): string {
  const shown = names.slice(0, MAX_LISTED).map(ident).join(", ");
  return names.length > MAX_LISTED ? `${shown} and ${names.length - MAX_LISTED} more` : shown;
}
