import * as z from "zod";

/** The answer of `POST /api/v1/imports`. */
export const ImportCreated = z.object({ item_queue_id: z.string(), success: z.boolean().optional() });

/** The answer of `GET /api/v1/imports/{id}`, as far as clients here look at it. `success` is there at the end only. */
export const ImportResponse = z.object({
  id: z.string(),
  state: z.string(),
  table_name: z.string().nullish(),
  error_code: z.number().nullish(),
  success: z.boolean().optional(),
  get_error_text: z
    .union([z.object({ title: z.string().nullish(), what_about: z.string().nullish() }), z.string()])
    .nullish(),
});
export type ImportResponse = z.infer<typeof ImportResponse>;
