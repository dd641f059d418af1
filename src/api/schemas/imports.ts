import * as z from "zod";

/** Answer of `POST /api/v1/imports`. */
export const ImportCreated = z.object({ item_queue_id: z.string(), success: z.boolean().optional() });

/** A table that an import made. Accounts report only the name of the first. */
export const ImportedTable = z.object({
  name: z.string(),
  /** Name that it would have if no table had it: from the file. */
  wanted: z.string().optional(),
  rows: z.number().optional(),
  /** Columns whose names differ from those in the file. */
  renamed: z.array(z.object({ from: z.string(), to: z.string() })).default([]),
});
export type ImportedTable = z.infer<typeof ImportedTable>;

/**
 * The parts of the answer of `GET /api/v1/imports/{id}` that this package's client reads. `success` appears at the
 * end.
 */
export const ImportResponse = z.object({
  id: z.string(),
  state: z.string(),
  table_name: z.string().nullish(),
  tables: z.array(ImportedTable).optional(),
  error_code: z.number().nullish(),
  success: z.boolean().optional(),
  get_error_text: z
    .union([z.object({ title: z.string().nullish(), what_about: z.string().nullish() }), z.string()])
    .nullish(),
});
export type ImportResponse = z.infer<typeof ImportResponse>;
