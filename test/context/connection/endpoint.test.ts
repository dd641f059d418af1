import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { CartoContext } from "../../../src/context/carto-context";
import { type ContextOptions, endpointSource } from "../../../src/context/connection/endpoint";
import { InvalidArgumentError } from "../../../src/errors";

beforeEach(() => {
  vi.stubEnv("CARTO_BASE_URL", undefined);
  vi.stubEnv("CARTO_API_KEY", undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

const messageOf = (options: ContextOptions): string => {
  try {
    new CartoContext(options);
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidArgumentError);
    return (error as Error).message;
  }
  return "accepted";
};

const shown = (context: CartoContext) => [
  inspect(context, { depth: 9, showHidden: true, getters: true }),
  inspect({ context }, { depth: 9, showHidden: true, customInspect: false }),
  JSON.stringify(context),
  String(context),
];

test.each([
  ["https://ana.carto.com", "https://ana.carto.com", "ana"],
  ["https://www.ana.carto.com/", "https://www.ana.carto.com", "ana"],
  ["https://maps.acme.io/user/ana/", "https://maps.acme.io/user/ana", "ana"],
  ["http://127.0.0.1:8080/user/ana", "http://127.0.0.1:8080/user/ana", "ana"],
])("%s", async (baseUrl, address, user) => {
  const endpoint = await endpointSource({ baseUrl, apiKey: "key" }).find();
  expect(endpoint).toMatchObject({ baseUrl: address, user, apiKey: "key" });
  expect(inspect(new CartoContext({ baseUrl, apiKey: "key" }))).toBe(`CartoContext(${address})`);
});

test.each([
  [{ baseUrl: "https://ana.carto.com", apiKey: "key" }, "account"],
  [{ username: "ana", apiKey: "key" }, "account"],
  [{ baseUrl: "local:" }, "local"],
  [{ baseUrl: "local:/no/such/folder" }, "local"],
  [{ baseUrl: "postgres://ana@nowhere.invalid/db" }, "local"],
  [{}, "account"], // of the environment
])("knows the kind of %j without a request", (options, kind) => {
  vi.stubEnv("CARTO_BASE_URL", "https://maps.acme.io/user/ana");
  vi.stubEnv("CARTO_API_KEY", "s3cret");
  expect(endpointSource(options).kind).toBe(kind);
});

describe("secrets", () => {
  test("a printed context shows its URL but not its key", () => {
    const context = new CartoContext({ baseUrl: "https://ana.carto.com", apiKey: "s3cret" });
    for (const text of shown(context)) expect(text).not.toContain("s3cret");
    expect(inspect(context)).toBe("CartoContext(https://ana.carto.com)");
  });

  test.each([
    "https://ana:s3cret@ana.carto.com/",
    "https://s3cret@ana.carto.com/",
    "https://ana.carto.com/?api_key=s3cret",
    "https://ana.carto.com/#s3cret",
    "mysql://ana:s3cret@host/db",
    "postgres://ana:s3cret/1@host/db",
    "postgres://ana:s3cret?1@host/db",
    "postgres://ana:12#s3cret@host/db",
    "postgres://ana:s3cret@host:port/db",
    "postgres://ana:s3cret@host/db?sslmode=never",
    "s3cret@ana.carto.com",
    "//ana:s3cret@ana.carto.com",
    "https://ana:s3cret@ana.carto.com:port",
  ])("rejects %s without repeating it", async (baseUrl) => {
    const message = messageOf({ baseUrl, apiKey: "key" });
    expect(message).toMatch(/^`?baseUrl/);
    expect(message).not.toContain("s3cret");

    vi.stubEnv("CARTO_BASE_URL", baseUrl);
    const context = new CartoContext({ apiKey: "key" });
    for (const text of shown(context)) expect(text).not.toContain("s3cret");
    const failure = await context.tables().catch((error) => error);
    expect(failure).toBeInstanceOf(InvalidArgumentError);
    expect(inspect(failure, { showHidden: true }) + failure.stack).not.toContain("s3cret");
  });

  test("error messages", () => {
    expect([
      messageOf({ baseUrl: "https://ana:s3cret@ana.carto.com/", apiKey: "key" }),
      messageOf({ baseUrl: "mysql://ana:s3cret@host/db", apiKey: "key" }),
      messageOf({ baseUrl: "postgres://ana:s3/cret@host/db" }),
      messageOf({ baseUrl: "carto", apiKey: "key" }),
    ]).toMatchInlineSnapshot(`
      [
        "\`baseUrl\` must not contain a user name, a password, a query or a fragment. Use https://user.carto.com or https://host/user/name, and pass the key as \`apiKey\`.",
        "baseUrl starts with "mysql:" and is not the address of an account. Expected https://…, postgres://…, or local: for the embedded database.",
        "baseUrl must be a PostgreSQL URL such as postgres://user:password@host:port/database. Percent-encode characters like / ? # @ in the password.",
        "baseUrl is not the address of an account. Expected https://…, postgres://…, or local: for the embedded database.",
      ]
    `);
  });
});

describe("rejects a key that would be sent unencrypted", () => {
  test.each(["http://127.0.0.1:1", "http://localhost", "http://[::1]:1", "https://ana.carto.com"])(
    "%s: silent",
    (baseUrl) => {
      const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
      new CartoContext({ baseUrl, apiKey: "key" });
      expect(warn).not.toHaveBeenCalled();
    },
  );

  test.each(["http://maps.acme.io/user/ana", "http://localhost.acme.io", "http://127.0.0.1.acme.io"])(
    "%s: one warning",
    (baseUrl) => {
      const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
      new CartoContext({ baseUrl, apiKey: "s3cret" });
      expect(warn.mock.calls).toEqual([
        [expect.stringMatching(`^${new URL(baseUrl).origin} is not encrypted, `)],
      ]);
      expect(warn.mock.calls.join()).not.toMatch(/s3cret|ana/);
    },
  );
});

describe("the key in the environment", () => {
  const keyAt = async (options: ContextOptions) => (await endpointSource(options).find()).apiKey;

  beforeEach(() => {
    vi.stubEnv("CARTO_BASE_URL", "https://maps.acme.io/user/ana");
    vi.stubEnv("CARTO_API_KEY", "s3cret");
  });

  test("is sent to the URL in the environment, and to other paths of its host", async () => {
    expect(await keyAt({})).toBe("s3cret");
    expect(await keyAt({ baseUrl: "https://maps.acme.io/user/bob" })).toBe("s3cret");
    expect(await keyAt({ baseUrl: "https://bob.carto.com", apiKey: "own" })).toBe("own");
  });

  test.each(["https://bob.carto.com", "http://maps.acme.io/user/ana", "https://maps.acme.io:444/user/ana"])(
    "not to %s",
    (baseUrl) => {
      expect(messageOf({ baseUrl })).toMatch(/needs an API key\. Pass `apiKey`/);
    },
  );

  test("is not sent without a URL in the environment", () => {
    vi.stubEnv("CARTO_BASE_URL", undefined);
    expect(messageOf({ baseUrl: "https://bob.carto.com" })).toMatchInlineSnapshot(
      `"https://bob.carto.com needs an API key. Pass \`apiKey\`, set CARTO_BASE_URL and CARTO_API_KEY, or save the key with \`npx cartoframes login\`. CARTO_API_KEY is used only with the address in CARTO_BASE_URL. To use no account, leave out \`baseUrl\`."`,
    );
  });
});
