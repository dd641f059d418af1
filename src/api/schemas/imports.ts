import * as z from "zod";

/** Answer of `POST /api/v1/imports`. */
export const ImportCreated = z.object({ item_queue_id: z.string(), success: z.boolean().optional() });

/** The coordinate system that an import transformed from. */
const FileCrs = z.object({
  /** EPSG code, if it is known. */
  srid: z.number().nullable(),
  name: z.string(),
  /** True if the file does not name one, and its coordinates can be degrees. */
  is_assumed: z.boolean(),
});

/** Values of a file that could not be read, and are NULL. */
const Unread = z.object({
  column: z.string(),
  count: z.number(),
  /** Number of the first row with such a value, from 1. */
  row: z.number(),
  reason: z.string(),
});
export type Unread = z.infer<typeof Unread>;

/** A table that an import made. Accounts report only the name of the first. */
export const ImportedTable = z.object({
  name: z.string(),
  /** Name that it would have if no table had it: from the file. */
  wanted: z.string().optional(),
  rows: z.number().optional(),
  /** Columns whose names differ from those in the file. */
  renamed: z.array(z.object({ from: z.string(), to: z.string() })).default([]),
  /** Null for a table without geometries. */
  crs: FileCrs.nullish(),
  /** Encoding of the texts and how it was found, if the format does not define it. */
  encoding: z.object({ name: z.string(), found: z.string() }).optional(),
  unread: z.array(Unread).default([]),
});
export type ImportedTable = z.infer<typeof ImportedTable>;

/** The error of an import. */
export const ImportFailed = z.object({
  error_code: z.number().nullish(),
  success: z.boolean().optional(),
  get_error_text: z
    .union([z.object({ title: z.string().nullish(), what_about: z.string().nullish() }), z.string()])
    .nullish(),
});
export type ImportFailed = z.infer<typeof ImportFailed>;

/**
 * The parts of the answer of `GET /api/v1/imports/{id}` that this package's client reads. `success` appears at the
 * end.
 */
export const ImportResponse = z.object({
  id: z.string(),
  state: z.string(),
  table_name: z.string().nullish(),
  tables: z.array(ImportedTable).optional(),
  /** Files of an archive and sheets of a workbook that were not imported. */
  left_out: z.array(z.string()).optional(),
  ...ImportFailed.shape,
});
export type ImportResponse = z.infer<typeof ImportResponse>;

/** A layer of a file. */
export const LayerDescription = z.object({
  /** Name of the layer; that of the file if the file holds only one. */
  name: z.string(),
  file: z.string(),
  /** Type of the geometries as PostGIS names it; GEOMETRY for a mixture; null without geometries. */
  geometry: z.string().nullable(),
  /** Number of rows; null if the format does not tell. */
  rows: z.number().nullable(),
  /** EPSG code of the coordinate system, if it is known. */
  srid: z.number().nullable(),
  columns: z.array(z.object({ name: z.string(), type: z.string() })),
});
export type LayerDescription = z.infer<typeof LayerDescription>;

/** Answer of `POST /api/v1/imports/layers`. */
export const LayersResponse = z.object({
  ...ImportFailed.shape,
  layers: z.array(LayerDescription).optional(),
});
