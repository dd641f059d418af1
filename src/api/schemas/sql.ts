import * as z from "zod";

/** Query parameters arrive as text, once or repeated; a repeated one counts as its last value. */
const text = z.union([z.string(), z.array(z.string()).transform((values) => values.at(-1) ?? "")]);

/** Non-numeric paging values are ignored, as CARTO does; negative ones reach PostgreSQL, which refuses them. */
const integer = text.or(z.number().transform(String)).transform((value) => {
  const number = Number.parseInt(value, 10);
  return Number.isNaN(number) ? undefined : number;
});

/** Becomes a header, so it must be fit for one. */
const client = text.pipe(z.string().regex(/^[\x20-\x7e]*$/, "client must be printable ASCII"));

/** Becomes a percent-encoded part of a header; half a surrogate pair cannot be encoded. */
const filename = text.pipe(z.string().regex(/^\P{Surrogate}*$/u, "filename is not valid text"));

/** The function a JSONP answer calls: a name, or a path of names. It is code in the page that asks. */
export const JsonpCallback = text.pipe(
  z
    .string()
    .max(200, "callback is too long")
    .regex(/^[a-z_$][\w$]*(\.[a-z_$][\w$]*)*$/i, "callback must be the name of a function"),
);

/** Parameters of `GET|POST /api/v2/sql`, query string and body merged. */
export const SqlRequest = z.object({
  q: z.string({ error: "You must indicate a sql query" }),
  /** Absent means JSON, too, but shown in the browser instead of saved. */
  format: text.transform((value) => value.toLowerCase()).optional(),
  filename: filename.optional(),
  skipfields: z
    .union([z.string(), z.array(z.string())])
    .transform((value) => [value].flat().flatMap((list) => list.split(",")))
    .default([]),
  rows_per_page: integer.optional(),
  page: integer.optional(),
  order_by: text.optional(),
  sort_order: text.optional(),
  callback: JsonpCallback.optional(),
  cache_policy: text.optional(),
  client: client.optional(),
});
export type SqlRequest = z.infer<typeof SqlRequest>;

/** Parameters of `/api/v2/sql/copyto` and, in the URL only, of `/api/v2/sql/copyfrom`. */
export const CopyRequest = z.object({
  q: z.string({ error: "SQL is missing" }).regex(/^\s*COPY\s/i, "SQL must start with COPY"),
  filename: filename.optional(),
  client: client.optional(),
});

/** One column of a SQL API answer. A spatial one has no `pgtype`; an enum has neither. */
export const SqlField = z.object({
  type: z.string(),
  pgtype: z.string().optional(),
  wkbtype: z.string().optional(),
  dims: z.number().optional(),
  srid: z.number().optional(),
});

/** A message, several, or several by what they are about (`{"imports": "…"}`). */
const Messages = z
  .union([z.string(), z.array(z.string()), z.record(z.string(), z.unknown())])
  .transform(texts);

function texts(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(texts) : [];
}

/**
 * Every error of the platform: `error` of the SQL API, `errors` of all others. The first text is the message; of a
 * proxy in between it may be a plain text.
 */
export const ErrorResponse = z
  .object({
    error: Messages.default([]),
    errors: Messages.default([]),
    hint: z.string().optional(),
    detail: z.string().optional(),
    context: z.string().optional(),
    errors_with_context: z
      .array(z.object({ type: z.string().optional(), subtype: z.string().optional() }))
      .default([])
      .catch([]),
  })
  .transform(({ error, errors, errors_with_context: [about], ...rest }) => ({
    ...rest,
    error: [...error, ...errors],
    /** What a limit is about: `rate-limit`, `datasource` (a statement), `render`. */
    limit: rest.context === "limit" ? rest.detail : about?.subtype,
  }))
  .refine(({ error }) => error.length > 0);

export type ErrorResponse = z.infer<typeof ErrorResponse>;

/** Looked at, but not into: there may be a hundred thousand, with members of any name and value. */
const Row = z.custom<Record<string, unknown>>((row) => typeof row === "object" && row !== null);

/** The answer of `/api/v2/sql`. A 200 may carry `error` after some rows. */
export const SqlResponse = z.object({
  rows: z.array(Row),
  fields: z.record(z.string(), SqlField).default({}),
  total_rows: z.number(),
  time: z.number(),
  notices: z.array(z.string()).default([]),
  warnings: z.array(z.string()).default([]),
  error: z.array(z.string()).optional(),
  hint: z.string().optional(),
  detail: z.string().optional(),
});
export type SqlResponse = z.infer<typeof SqlResponse>;

/** The answer of `/api/v2/sql/copyfrom`. */
export const CopyFromResponse = z.object({ time: z.number(), total_rows: z.number() });
