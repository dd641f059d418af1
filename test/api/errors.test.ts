import { describe, expect, test } from "vitest";
import { answerError, redirectError, retryAfterS } from "../../src/api/errors";
import { redactor } from "../../src/api/redact";
import { retryDelayMs } from "../../src/api/retry";

const LIMITS = "You are over platform's limits";

/** Every error body of the reference: status, body, headers, with a statement or without. */
const ANSWERS: [string, number, unknown, Record<string, string>?][] = [
  [
    "§1.1 unknown account",
    404,
    {
      error: [
        "Sorry, we can't find CARTO user 'bob'. Please check that you have entered the correct domain.",
      ],
    },
  ],
  ["§1.1 no account in the address", 400, { error: ["No username found in hostname 'localhost'"] }],
  ["§1.3 another user", 403, { error: ["permission denied"] }],
  ["§1.3 unknown key", 401, { error: ["Unauthorized"] }],
  ["§1.3 no sql grant", 403, { error: ["forbidden"] }],
  ["§1.3 system table", 403, { error: ["system tables are forbidden"] }],
  ["§1.3 table right", 403, { error: ["permission denied for table t"] }],
  [
    "§1.6 rate limit",
    429,
    { error: [`${LIMITS}. Please contact us to know more details`], context: "limit", detail: "rate-limit" },
    { "retry-after": "7" },
  ],
  ["§2.1 format", 400, { error: ["Invalid format: xls"] }],
  [
    "§2.7 hint and detail",
    400,
    { error: ['column "naem" does not exist'], hint: 'Perhaps "name".', detail: "There." },
  ],
  ["§2.7 unknown table", 400, { error: ['relation "t" does not exist'] }],
  [
    "§2.7 statement timeout",
    429,
    {
      error: [
        `${LIMITS}: SQL query timeout error. Refactor your query before running again or contact CARTO support for more details.`,
      ],
      context: "limit",
      detail: "datasource",
    },
  ],
  ["§2.7 row too large", 400, { error: ["Row too large, was 12345678 bytes"] }],
  ["§3.3 quota", 400, { error: ["DB Quota exceeded"] }],
  ["§3.3 upload too large", 400, { error: ["COPY FROM maximum POST size of 2 GB exceeded"] }],
  ["§3.3 gzip", 400, { error: ["Error while gunzipping: incorrect header check"] }],
  ["§4.4 job queue", 400, { error: ["Failed to create job. Max number of jobs (64) queued reached"] }],
  ["§5.1 import", 400, { errors: { imports: "something is wrong" } }],
  [
    "§5.1 import slots",
    429,
    { errors: { imports: "We're sorry but you're already using your allowed 3 import slots" } },
  ],
  [
    "§7.10 map",
    400,
    {
      errors: ['column "nam" does not exist'],
      errors_with_context: [{ type: "layer", subtype: "query", message: "x" }],
    },
  ],
  [
    "§7.10 render timeout",
    429,
    {
      errors: [`${LIMITS}: Render timeout error. Contact CARTO support for more details.`],
      errors_with_context: [{ type: "limit", subtype: "render" }],
    },
  ],
  ["server error", 500, { error: ["something broke"] }],
  ["one text", 503, { error: "Service Unavailable" }],
  ["a web page", 502, "<html><body>Bad Gateway</body></html>"],
  ["nothing", 504, ""],
  ["another program", 200 + 204, "pong"],
  ["a proxy that wants a password", 407, "<!DOCTYPE html>"],
];

describe("every error has its class and advice", () => {
  const errorOf = (status: number, body: unknown, headers: Record<string, string> = {}, sql?: string) =>
    answerError({
      status,
      text: typeof body === "string" ? body : JSON.stringify(body),
      header: (name) => headers[name.toLowerCase()] ?? null,
      sql,
      redact: redactor(["s3cret-key"]),
    });

  test("errors of a statement", () => {
    const told = ANSWERS.map(([what, status, body, headers]) => {
      const error = errorOf(status, body, headers, "SELECT 1");
      return `${what}: ${error.name}: ${error.message}`;
    });
    expect(told.join("\n")).toMatchInlineSnapshot(`
      "§1.1 unknown account: AuthenticationError: Sorry, we can't find CARTO user 'bob'. Please check that you have entered the correct domain. The address of an account is https://user.carto.com, or https://host/user/name on premises.
      §1.1 no account in the address: AuthenticationError: No username found in hostname 'localhost'. The address of an account is https://user.carto.com, or https://host/user/name on premises.
      §1.3 another user: AuthenticationError: The API key has no permission for this (permission denied).
      §1.3 unknown key: AuthenticationError: The API key was refused (Unauthorized). Check the address and the key.
      §1.3 no sql grant: AuthenticationError: The API key has no permission for this (forbidden).
      §1.3 system table: AuthenticationError: The API key has no permission for this (system tables are forbidden).
      §1.3 table right: SqlError: permission denied for table t
      §1.6 rate limit: RateLimitError: The account has reached its rate limit for this kind of request. Try again in 7 s. (You are over platform's limits. Please contact us to know more details)
      §2.1 format: SqlError: Invalid format: xls
      §2.7 hint and detail: SqlError: column "naem" does not exist
        Detail: There.
        Hint: Perhaps "name".
      §2.7 unknown table: TableNotFoundError: No table is named "t". List the tables with \`await cc.tables()\`.
      §2.7 statement timeout: TimeoutError: The statement was stopped because it took too long (You are over platform's limits: SQL query timeout error. Refactor your query before running again or contact CARTO support for more details). Run it on fewer rows, or as a batch job.
      §2.7 row too large: SqlError: Row too large, was 12345678 bytes
      §3.3 quota: QuotaError: DB Quota exceeded. Delete tables, or write fewer rows or columns.
      §3.3 upload too large: QuotaError: COPY FROM maximum POST size of 2 GB exceeded. Write the rows in several pieces.
      §3.3 gzip: SqlError: Error while gunzipping: incorrect header check
      §4.4 job queue: SqlError: Failed to create job. Max number of jobs (64) queued reached
      §5.1 import: SqlError: something is wrong
      §5.1 import slots: RateLimitError: The account has reached its rate limit for this kind of request. Try again later. (We're sorry but you're already using your allowed 3 import slots)
      §7.10 map: SqlError: column "nam" does not exist
      §7.10 render timeout: TimeoutError: The statement was stopped because it took too long (You are over platform's limits: Render timeout error. Contact CARTO support for more details). Run it on fewer rows, or as a batch job.
      server error: ServerError: The server failed with status 500: something broke
      one text: ServerError: The server failed with status 503: Service Unavailable
      a web page: ServerError: The server answered with status 502 and a web page instead of CARTO's JSON. The service or a proxy in between is down.
      nothing: ServerError: The server answered with status 504 and an empty body instead of CARTO's JSON. The service or a proxy in between is down.
      another program: ServerError: The server answered with status 404 and "pong" instead of CARTO's JSON. Check the address.
      a proxy that wants a password: AuthenticationError: Access was refused with status 407, by a server or proxy other than CARTO. Check the address, the key and the proxy."
    `);
  });

  test("messages name the operation", () => {
    expect(errorOf(422, { errors: { name: ["is taken"], token: "is bad" } }).message).toBe(
      "is taken\nis bad",
    );
  });

  test("keeps hint, detail, SQLSTATE and position, relative to the user's statement", () => {
    const headers = { "carto-sql-state": "42703", "carto-sql-position": "28" };
    const error = answerError({
      status: 400,
      text: JSON.stringify({ error: ["no"], hint: "h", detail: "d" }),
      header: (name) => headers[name.toLowerCase() as keyof typeof headers] ?? null,
      sql: "SELECT * FROM (SELECT 1, x) AS q",
      written: { sql: "SELECT 1, x", offset: 15 },
      redact: (text) => text,
    });
    expect(error).toMatchObject({
      hint: "h",
      detail: "d",
      sqlState: "42703",
      position: 13,
      sql: "SELECT 1, x",
    });
  });

  test("removes the key from server messages", () => {
    const error = errorOf(
      400,
      { error: ["bad s3cret-key"], hint: "api_key=abcdef", detail: "s3cret%2Dkey s3cret-key" },
      {},
      "S",
    );
    expect(error.message + JSON.stringify(error)).not.toMatch(/s3cret-key|abcdef/);
  });

  test("reads Retry-After as seconds or a date", () => {
    const now = Date.parse("2017-03-04T10:00:00Z");
    expect(
      [null, "", "7", "0", "-3", "soon", "Sat, 04 Mar 2017 10:00:30 GMT"].map((value) =>
        retryAfterS(value, now),
      ),
    ).toEqual([undefined, undefined, 7, 0, 0, undefined, 30]);
  });

  test("names the host of a redirect, not its path", () => {
    const to = redirectError(302, "https://login.acme.io/x?token=s3cret", "https://ana.carto.com");
    expect(to.message).toMatch(
      /^https:\/\/ana\.carto\.com redirects to https:\/\/login\.acme\.io \(status 302\)/,
    );
    expect(to.message).not.toContain("s3cret");
  });
});

describe("decides what is retried, and when", () => {
  const base = { repeatable: false, waitsForLimit: true, failures: 1, limitedMs: 0, isLocal: false };
  const delay = (failure: Parameters<typeof retryDelayMs>[0], more: Partial<typeof base> = {}) =>
    retryDelayMs(failure, { ...base, ...more }, () => 0.5);
  const answer = (status: number, retryAfterS?: number) => ({ kind: "answer", status, retryAfterS }) as const;
  const broken = (code?: string) => ({ kind: "connection", code }) as const;

  test.each([
    ["429 with Retry-After", delay(answer(429, 7)), 7125],
    ["429 without", delay(answer(429)), undefined],
    ["429 that is not to be waited for", delay(answer(429, 7), { waitsForLimit: false }), undefined],
    ["429 for longer than anybody waits", delay(answer(429, 3600)), undefined],
    ["429 again and again", delay(answer(429, 60), { limitedMs: 60_000 }), undefined],
    ["502 of a statement that may have run", delay(answer(502)), undefined],
    ["502 of one that changes nothing", delay(answer(502), { repeatable: true }), 400],
    ["the second one", delay(answer(502), { repeatable: true, failures: 2 }), 1200],
    ["the third one", delay(answer(502), { repeatable: true, failures: 3 }), undefined],
    ["501", delay(answer(501), { repeatable: true }), undefined],
    ["400", delay(answer(400), { repeatable: true }), undefined],
    ["503 of a local server that stops", delay(answer(503), { isLocal: true }), 0],
    ["a connection that was refused", delay(broken("ECONNREFUSED")), 400],
    ["one that broke", delay(broken("ECONNRESET")), undefined],
    ["a broken statement without effects", delay(broken("ECONNRESET"), { repeatable: true }), 400],
    ["a host that does not exist", delay(broken("ENOTFOUND"), { repeatable: true }), undefined],
  ])("%s", (_, actual, expected) => expect(actual).toBe(expected));
});
