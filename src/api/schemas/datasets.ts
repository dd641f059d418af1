import * as z from "zod";

/** Query parameters arrive as text, once or repeated; a repeated one counts as its last value. */
const text = z.union([z.string(), z.array(z.string()).transform((values) => values.at(-1) ?? "")]);

const MAX_PER_PAGE = 500;

/** A positive number. Anything else counts as absent. */
const positive = text.or(z.number().transform(String)).transform((value) => {
  const number = Number.parseInt(value, 10);
  return number >= 1 ? number : undefined;
});

const privacy = text
  .transform((value) => value.toUpperCase())
  .pipe(z.enum(["PUBLIC", "LINK", "PRIVATE"], { error: "privacy must be PUBLIC, LINK or PRIVATE" }));

/** Parameters of `GET /api/v1/viz`. */
export const DatasetListRequest = z.object({
  type: text.optional(),
  types: text.transform((list) => list.split(",").filter(Boolean)).default([]),
  page: positive.optional().transform((page = 1) => Math.min(page, 1_000_000)),
  per_page: positive.optional().transform((count = 20) => Math.min(count, MAX_PER_PAGE)),
  order: z
    .enum(["name", "updated_at", "created_at", "size", "privacy", "estimated_row_count"], {
      error: "order must be name, updated_at, created_at, size, privacy or estimated_row_count",
    })
    .default("updated_at"),
  order_direction: z.enum(["asc", "desc"], { error: "order_direction must be asc or desc" }).optional(),
  q: text.optional(),
  privacy: privacy.optional(),
});

/** Body of `PUT /api/v1/viz/{id}`. Clients send all they know about a dataset; other members are ignored. */
export const DatasetChangesRequest = z.object({
  privacy: privacy.optional(),
  name: z.string().optional(),
  description: z.string().nullable().optional(),
});

/** The parts of a dataset that this package's client reads. */
export const DatasetResponse = z.object({
  id: z.string(),
  name: z.string(),
  privacy: z.string(),
  table: z
    .object({ name: z.string(), row_count: z.number().nullish(), size: z.number().nullish() })
    .nullish(),
});
export type DatasetResponse = z.infer<typeof DatasetResponse>;
