import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, type MockInstance, test, vi } from "vitest";
import { CartoContext } from "../../../src/context/carto-context";
import { Credentials, savedFile } from "../../../src/context/connection/credentials";
import { type ContextOptions, endpointSource, shownAddress } from "../../../src/context/connection/endpoint";
import { InvalidArgumentError } from "../../../src/errors";

let dir: string;
let warn: MockInstance;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "cartoframes-creds-"));
  vi.stubEnv("XDG_CONFIG_HOME", join(dir, "config"));
  vi.stubEnv("HOME", dir);
  vi.stubEnv("CARTO_BASE_URL", undefined);
  vi.stubEnv("CARTO_API_KEY", undefined);
  warn = vi.spyOn(console, "warn").mockImplementation(() => {});
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

const parts = ({ key, username, baseUrl }: Credentials) => ({ key, username, baseUrl });
const ANA = { key: "s3cret-key", username: "ana", baseUrl: "https://ana.carto.com" };
const onPosix = test.skipIf(process.platform === "win32");

/** As cartoframes for Python writes it. */
function pythonFile(
  path: string,
  content: unknown = { key: "s3cret-key", base_url: "https://ana.carto.com", username: "ana" },
) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content), { mode: 0o600 });
  return path;
}

function messageOf(make: () => unknown): string {
  try {
    make();
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect(inspect(error, { showHidden: true, depth: 9 }) + (error as Error).stack).not.toContain("s3cret");
    return (error as Error).message.replaceAll(dir, "…");
  }
  return "accepted";
}

describe("sources", () => {
  test("username and key, URL and key, a file, another instance", () => {
    const file = pythonFile(join(dir, "python.json"));
    expect(parts(new Credentials({ username: "ana", key: "s3cret-key" }))).toEqual(ANA);
    expect(parts(new Credentials({ user: "ana", key: "s3cret-key" }))).toEqual(ANA);
    expect(parts(new Credentials({ baseUrl: "https://ana.carto.com/", key: "s3cret-key" }))).toEqual({
      ...ANA,
      username: undefined,
    });
    expect(parts(new Credentials({ credFile: file }))).toEqual(ANA);
    expect(parts(new Credentials({ creds: new Credentials({ credFile: file }) }))).toEqual(ANA);
  });

  test("order of precedence", () => {
    const order = [
      () =>
        new Credentials({
          creds: new Credentials({ username: "first", key: "k" }),
          ...second(),
          credFile: file,
        }),
      () => new Credentials({ ...second(), credFile: file }),
      () => new Credentials({ credFile: file }),
      () => new Credentials(),
      () => {
        vi.stubEnv("CARTO_BASE_URL", undefined);
        return new Credentials();
      },
    ];
    const second = () => ({ username: "second", key: "k" });
    const file = pythonFile(join(dir, "third.json"), { key: "k", username: "third" });
    vi.stubEnv("CARTO_BASE_URL", "https://fourth.carto.com");
    vi.stubEnv("CARTO_API_KEY", "k");
    new Credentials({ username: "fifth", key: "k" }).save();
    expect(order.map((make) => make().baseUrl.replace(/https:..(\w+)\..*/, "$1"))).toEqual([
      "first",
      "second",
      "third",
      "fourth",
      "fifth",
    ]);
  });

  test("reports missing and invalid credentials without showing them", () => {
    const key = "s3cret-key";
    const bad = (content: unknown) => () =>
      new Credentials({ credFile: pythonFile(join(dir, "bad.json"), content) });
    expect(
      [
        () => new Credentials(),
        () => new Credentials({ key }),
        () => new Credentials({ username: "ana" }),
        () => new Credentials({ username: "ana.carto.com", key }),
        () => new Credentials({ username: "", key }),
        () => new Credentials({ username: "ana", key: " " }),
        () => new Credentials({ credFile: join(dir, "none.json") }),
        bad('{"key": "s3cret-key", "base_url'),
        bad('"s3cret-key"'),
        bad({ key }),
        bad({ username: "ana" }),
        bad({ key: 17, username: "ana" }),
        () => new Credentials({ username: "ana", key }).retrieve(),
      ].map(messageOf),
    ).toMatchInlineSnapshot(`
      [
        "No credentials were found. Pass username (or baseUrl) and key, set CARTO_BASE_URL and CARTO_API_KEY, or run: npx cartoframes login.",
        "\`key\` needs the account it belongs to. Pass \`username\` or \`baseUrl\` with it.",
        "\`key\` is missing. Pass the API key of the account.",
        ""ana.carto.com" is not a valid account name. Expected letters, digits and hyphens. Pass an address as baseUrl, or as --url on the command line.",
        "username must be a non-empty string.",
        "key must be a non-empty string.",
        "No file with credentials exists at …/none.json.",
        "…/bad.json contains no valid credentials. Expected JSON with "key" and "base_url" or "username". Run npx cartoframes login to save them again, or delete the file.",
        "…/bad.json contains no valid credentials. Expected JSON with "key" and "base_url" or "username". Run npx cartoframes login to save them again, or delete the file.",
        "…/bad.json contains no valid credentials. Expected JSON with "key" and "base_url" or "username". Run npx cartoframes login to save them again, or delete the file.",
        "…/bad.json contains no valid credentials. Expected JSON with "key" and "base_url" or "username". Run npx cartoframes login to save them again, or delete the file.",
        "…/bad.json contains no valid credentials. Expected JSON with "key" and "base_url" or "username". Run npx cartoframes login to save them again, or delete the file.",
        "No credentials are saved. Save them with \`npx cartoframes login\`, or pass \`username\` and \`key\`.",
      ]
    `);
  });
});

describe("set and accessors", () => {
  test("set replaces what is passed; the URL follows the username unless passed", () => {
    const creds = new Credentials({ username: "ana", key: "s3cret-key" });
    creds.set({ username: "bob" });
    expect(parts(creds)).toEqual({ key: "s3cret-key", username: "bob", baseUrl: "https://bob.carto.com" });
    creds.set({ key: "other" });
    expect(parts(creds)).toEqual({ key: "other", username: "bob", baseUrl: "https://bob.carto.com" });
    creds.set({ baseUrl: "https://maps.acme.io/user/bob/" });
    expect(parts(creds)).toEqual({ key: "other", username: "bob", baseUrl: "https://maps.acme.io/user/bob" });
  });

  test("accessors change one value each", () => {
    const creds = new Credentials({ username: "ana", key: "s3cret-key" });
    creds.username = "bob";
    creds.key = "other";
    expect(parts(creds)).toEqual({ key: "other", username: "bob", baseUrl: "https://ana.carto.com" });
    creds.baseUrl = "https://bob.carto.com/";
    expect(creds.baseUrl).toBe("https://bob.carto.com");
  });
});

describe("the file", () => {
  onPosix("is the user's alone, also where a file that others can read was before", () => {
    mkdirSync(dirname(savedFile()), { recursive: true });
    writeFileSync(savedFile(), "{}", { mode: 0o644 });
    chmodSync(savedFile(), 0o644);
    expect(new Credentials({ username: "ana", key: "s3cret-key" }).save()).toBe(savedFile());
    expect(statSync(savedFile()).mode & 0o777).toBe(0o600);
    rmSync(dirname(savedFile()), { recursive: true });
    new Credentials({ username: "ana", key: "s3cret-key" }).save();
    expect(statSync(dirname(savedFile())).mode & 0o777).toBe(0o700);
  });

  test("has the members of cartoframes for Python, and can be read again", () => {
    const file = new Credentials({ username: "ana", key: "s3cret-key" }).save(join(dir, "deep", "own.json"));
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({
      key: "s3cret-key",
      base_url: "https://ana.carto.com",
      username: "ana",
    });
    const other = new Credentials({ username: "bob", key: "other" });
    other.retrieve(file);
    expect(parts(other)).toEqual(ANA);
  });

  test("is read from the location of cartoframes for Python", () => {
    const paths = {
      linux: join(dir, "config", "cartoframes", "cartocreds.json"),
      darwin: join(dir, "Library", "Application Support", "cartoframes", "cartocreds.json"),
      win32: join(dir, "local", "cartoframes", "cartoframes", "cartocreds.json"),
    };
    vi.stubEnv("LOCALAPPDATA", join(dir, "local"));
    for (const [platform, path] of Object.entries(paths)) {
      const real = Object.getOwnPropertyDescriptor(process, "platform")!;
      Object.defineProperty(process, "platform", { ...real, value: platform });
      try {
        pythonFile(path);
        expect(parts(new Credentials()), platform).toEqual(ANA);
        rmSync(path);
      } finally {
        Object.defineProperty(process, "platform", real);
      }
    }
  });

  onPosix("that others can read is used, with one warning", () => {
    const file = pythonFile(join(dir, "open.json"));
    chmodSync(file, 0o644);
    for (let i = 0; i < 3; i++) new Credentials({ credFile: file });
    expect(warn.mock.calls.flat().join().replaceAll(dir, "…")).toBe(
      '…/open.json contains an API key and can be read by other users of this machine. Protect it with: chmod 600 "…/open.json"',
    );
  });

  test("is deleted; deleting again warns", () => {
    const log = vi.spyOn(console, "log").mockImplementation(() => {});
    const creds = new Credentials({ username: "ana", key: "s3cret-key" });
    creds.save();
    creds.delete();
    expect(existsSync(savedFile())).toBe(false);
    expect(log.mock.calls).toEqual([[`Credentials at ${savedFile()} removed.`]]);
    creds.delete();
    expect(warn.mock.calls).toEqual([[`No credential file found at ${savedFile()}.`]]);
  });

  test("is replaced atomically", () => {
    const creds = new Credentials({ username: "ana", key: "s3cret-key" });
    creds.save();
    for (let i = 0; i < 50; i++) {
      creds.key = `key ${"x".repeat(i * 100)}`;
      creds.save();
      expect(new Credentials().key).toBe(creds.key);
    }
  });
});

test("no string representation shows the key", () => {
  const creds = new Credentials({ username: "ana", key: "s3cret-key" });
  expect(inspect(creds)).toBe("Credentials(username=ana, key=***, baseUrl=https://ana.carto.com)");
  const database = new Credentials({ baseUrl: "postgres://ana:s3cret-word@host/db" });
  const shown = [creds, database].flatMap((it) => [
    String(it),
    `${it}`,
    JSON.stringify(it),
    inspect(it, { depth: 9, showHidden: true, getters: true }),
    inspect(it, { depth: 9, showHidden: true, customInspect: false }),
    JSON.stringify({ ...it }),
    inspect(structuredClone(it), { showHidden: true }),
    inspect(new CartoContext({ creds: creds }), { depth: 9, showHidden: true, customInspect: false }),
  ]);
  for (const text of shown) expect(text).not.toMatch(/s3cret/);
});

describe("credentials of a context", () => {
  const placeOf = async (options: ContextOptions = {}) => {
    const { baseUrl, user, apiKey, keyFrom } = await endpointSource(options).find();
    return [baseUrl, user, apiKey, keyFrom?.replaceAll(dir, "…")];
  };

  test("come from arguments, creds, the environment, or the saved file, in that order", async () => {
    const creds = new Credentials({ baseUrl: "https://maps.acme.io/user/carla", key: "creds-key" });
    const cases: ContextOptions[] = [
      { username: "ana", apiKey: "own-key", creds },
      { creds },
      { creds, apiKey: "own-key" },
      { creds, baseUrl: "https://maps.acme.io/user/dora" },
    ];
    new Credentials({ username: "saved", key: "saved-key" }).save();
    const found = await Promise.all(cases.map(placeOf));
    found.push(await placeOf(), await placeOf({ baseUrl: "https://saved.carto.com" }));
    vi.stubEnv("CARTO_BASE_URL", "https://env.carto.com/");
    vi.stubEnv("CARTO_API_KEY", "env-key");
    found.push(await placeOf(), await placeOf({ username: "env" }), await placeOf({ apiKey: "own-key" }));
    expect(found.map((place) => place.join(" "))).toMatchInlineSnapshot(`
      [
        "https://ana.carto.com ana own-key ",
        "https://maps.acme.io/user/carla carla creds-key the Credentials passed",
        "https://maps.acme.io/user/carla carla own-key ",
        "https://maps.acme.io/user/dora dora creds-key the Credentials passed",
        "https://saved.carto.com saved saved-key …/config/cartoframes/cartocreds.json",
        "https://saved.carto.com saved saved-key …/config/cartoframes/cartocreds.json",
        "https://env.carto.com env env-key CARTO_API_KEY",
        "https://env.carto.com env env-key CARTO_API_KEY",
        "https://env.carto.com env own-key ",
      ]
    `);
  });

  test("send a key only to its own host", () => {
    const creds = new Credentials({ username: "ana", key: "s3cret-key" });
    new Credentials({ username: "saved", key: "s3cret-key" }).save();
    expect(
      [
        () => new CartoContext({ creds, baseUrl: "https://evil.example" }),
        () => new CartoContext({ baseUrl: "https://evil.example" }),
        () => new CartoContext({ username: "ana", baseUrl: "https://bob.carto.com", apiKey: "s3cret-key" }),
        () => new CartoContext({ creds: { key: "s3cret-key" } as never }),
      ].map(messageOf),
    ).toMatchInlineSnapshot(`
      [
        "\`creds\` belong to https://ana.carto.com, and their key is not sent to another address. Pass \`apiKey\`, or leave out the other address.",
        "https://evil.example needs an API key. Pass \`apiKey\`, set CARTO_BASE_URL and CARTO_API_KEY, or save the key with \`npx cartoframes login\`. To use no account, leave out \`baseUrl\`.",
        "\`baseUrl\` belongs to the account "bob", but \`username\` is "ana". On premises, the address is https://bob.carto.com/user/ana.",
        "\`creds\` must be an instance of Credentials.",
      ]
    `);
  });

  test("report a key without a URL on first use", async () => {
    const context = new CartoContext({ apiKey: "s3cret-key" });
    await expect(context.query("SELECT 1")).rejects.toThrow(
      "`apiKey` needs the account it belongs to. Pass `username` or `baseUrl` with it.",
    );
    expect(inspect(context)).toBe("CartoContext(?)");
  });

  test("reject a damaged file instead of using the local server", async () => {
    pythonFile(savedFile(), "{");
    await expect(new CartoContext().tables()).rejects.toThrow(/contains no valid credentials/);
    expect(shownAddress({})()).toBe("?");
  });
});
