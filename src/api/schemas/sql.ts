import * as z from "zod";

/** Query parameters arrive as text, once or repeated; a repeated one counts as its last value. */
const text = z.union([z.string(), z.array(z.string()).transform((values) => values.at(-1) ?? "")]);

/** Non-numeric paging values are ignored, as CARTO does; negative ones reach PostgreSQL, which refuses them. */
const integer = text.or(z.number().transform(String)).transform((value) => {
  const number = Number.parseInt(value, 10);
  return Number.isNaN(number) ? undefined : number;
});

/** Parameters of `GET|POST /api/v2/sql`, query string and body merged. */
export const SqlRequest = z.object({
  q: z.string({ error: "You must indicate a sql query" }),
  format: text.transform((value) => value.toLowerCase()).default("json"),
  filename: text.optional(),
  skipfields: z
    .union([z.string(), z.array(z.string())])
    .transform((value) => [value].flat().flatMap((list) => list.split(",")))
    .default([]),
  rows_per_page: integer.optional(),
  page: integer.optional(),
  order_by: text.optional(),
  sort_order: text.optional(),
  callback: text.optional(),
  cache_policy: text.optional(),
  client: text.optional(),
});
export type SqlRequest = z.infer<typeof SqlRequest>;

/** Parameters of `/api/v2/sql/copyto` and, in the URL only, of `/api/v2/sql/copyfrom`. */
export const CopyRequest = z.object({
  q: z.string({ error: "SQL is missing" }).regex(/^\s*COPY\s/i, "SQL must start with COPY"),
  filename: text.optional(),
  client: text.optional(),
});

/** One column of a SQL API answer. A spatial one has no `pgtype`; an enum has neither. */
export const SqlField = z.object({
  type: z.string(),
  pgtype: z.string().optional(),
  wkbtype: z.string().optional(),
  dims: z.number().optional(),
  srid: z.number().optional(),
});

/** Every error of the platform: the first text is the message. */
export const ErrorResponse = z.object({
  error: z.array(z.string()).min(1),
  hint: z.string().optional(),
  detail: z.string().optional(),
  context: z.string().optional(),
});

export type ErrorResponse = z.infer<typeof ErrorResponse>;

/** The answer of `/api/v2/sql`. A 200 may carry `error` after some rows. */
export const SqlResponse = z.object({
  rows: z.array(z.record(z.string(), z.unknown())),
  fields: z.record(z.string(), SqlField).default({}),
  total_rows: z.number(),
  time: z.number(),
  notices: z.array(z.string()).default([]),
  warnings: z.array(z.string()).default([]),
  error: z.array(z.string()).optional(),
});
export type SqlResponse = z.infer<typeof SqlResponse>;

/** The answer of `/api/v2/sql/copyfrom`. */
export const CopyFromResponse = z.object({ time: z.number(), total_rows: z.number() });
