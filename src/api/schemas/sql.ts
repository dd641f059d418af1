import * as z from "zod";

/** Query parameters arrive as text, once or repeated; a repeated one counts as its last value. */
const text = z.union([z.string(), z.array(z.string()).transform((values) => values.at(-1) ?? "")]);

/** Paging value. Non-numeric ones are ignored, as CARTO does; PostgreSQL refuses negative ones. */
const integer = text.or(z.number().transform(String)).transform((value) => {
  const number = Number.parseInt(value, 10);
  return Number.isNaN(number) ? undefined : number;
});

/** Name of the client. It becomes a header, so it must be printable ASCII. */
const client = text.pipe(z.string().regex(/^[\x20-\x7e]*$/, "client must be printable ASCII"));

/** Name of a download. It is percent-encoded in a header, so it must not contain half a surrogate pair. */
const filename = text.pipe(z.string().regex(/^\P{Surrogate}*$/u, "filename is not valid text"));

/** Function that a JSONP answer calls: a name, or names joined by dots. It becomes code in the page that asks. */
export const JsonpCallback = text.pipe(
  z
    .string()
    .max(200, "callback is too long")
    .regex(/^[a-z_$][\w$]*(\.[a-z_$][\w$]*)*$/i, "callback must be the name of a function"),
);

/** Parameters of `GET|POST /api/v2/sql`, query string and body merged. */
export const SqlRequest = z.object({
  q: z.string({ error: "You must indicate a sql query" }),
  /** Absent also means JSON, shown in the browser instead of downloaded. */
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
  /** Decimal digits of coordinates; PostGIS writes at most 15. */
  dp: integer.optional().transform((digits = 6) => Math.min(15, Math.max(0, digits))),
  callback: JsonpCallback.optional(),
  cache_policy: text.optional(),
  client: client.optional(),
});
export type SqlRequest = z.infer<typeof SqlRequest>;

/** Parameters of `/api/v2/sql/copyto`, and in the URL of `/api/v2/sql/copyfrom`. */
export const CopyRequest = z.object({
  q: z.string({ error: "SQL is missing" }).regex(/^\s*COPY\s/i, "SQL must start with COPY"),
  filename: filename.optional(),
  client: client.optional(),
});

/** Column of a SQL API answer. Spatial columns and enums have no `pgtype`. */
const SqlField = z.object({
  type: z.string(),
  pgtype: z.string().optional(),
  wkbtype: z.string().optional(),
  dims: z.number().optional(),
  srid: z.number().optional(),
});

/** One message, a list of messages, or messages by subject (`{"imports": "…"}`). */
const Messages = z
  .union([z.string(), z.array(z.string()), z.record(z.string(), z.unknown())])
  .transform(texts);

function texts(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(texts) : [];
}

/**
 * Errors of all APIs: `error` in the SQL API, `errors` in the others. The first text is the message. A proxy may send
 * plain text instead.
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
    /** Kind of the limit that was reached: `rate-limit`, `datasource` (a statement), `render`. */
    limit: rest.context === "limit" ? rest.detail : about?.subtype,
  }))
  .refine(({ error }) => error.length > 0);

export type ErrorResponse = z.infer<typeof ErrorResponse>;

/** Row of an answer. Its members are not checked, because there may be a hundred thousand rows. */
const Row = z.custom<Record<string, unknown>>((row) => typeof row === "object" && row !== null);

/** Answer of `/api/v2/sql`. It may contain `error` after some rows, even with status 200. */
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

/** Answer of `/api/v2/sql/copyfrom`. */
export const CopyFromResponse = z.object({ time: z.number(), total_rows: z.number() });
