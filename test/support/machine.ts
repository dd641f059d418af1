/** Finds the programs that some tests need, in their usual places. */
import { execFileSync } from "node:child_process";
import { accessSync, constants, existsSync, readdirSync, statSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";

const { platform, env } = process;
const isWindows = platform === "win32";
export const isRoot = process.getuid?.() === 0;

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

function onPath(...names: string[]): string[] {
  const folders = (env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  return names.flatMap((name) => folders.map((folder) => join(folder, isWindows ? `${name}.exe` : name)));
}

/** Returns the names in a folder, the highest version first; none if the folder does not exist. */
function namesIn(folder: string): string[] {
  const newestFirst = (a: string, b: string) => b.localeCompare(a, "en", { numeric: true });
  return existsSync(folder) ? readdirSync(folder).sort(newestFirst) : [];
}

/** Returns the files below a folder that match a path, whose parts may be `*`. */
function glob(folder: string, ...parts: string[]): string[] {
  const [part, ...rest] = parts;
  if (part === undefined) return [folder];
  const names = part === "*" ? namesIn(folder) : [part];
  return names.flatMap((name) => glob(join(folder, name), ...rest));
}

const macApp = (name: string) =>
  ["/Applications", join(homedir(), "Applications")].map((folder) =>
    join(folder, `${name}.app/Contents/MacOS/${name}`),
  );

const windowsApp = (path: string) =>
  [env.ProgramFiles, env["ProgramFiles(x86)"], env.LOCALAPPDATA].flatMap((folder) =>
    folder ? [join(folder, path)] : [],
  );

function chromeCandidates(): string[] {
  const { CHROME_PATH, PLAYWRIGHT_BROWSERS_PATH, PUPPETEER_CACHE_DIR } = env;
  const cache = isWindows
    ? (env.LOCALAPPDATA ?? "")
    : join(homedir(), platform === "darwin" ? "Library/Caches" : ".cache");
  const playwright = PLAYWRIGHT_BROWSERS_PATH || join(cache, "ms-playwright");
  const puppeteer = PUPPETEER_CACHE_DIR || join(homedir(), ".cache/puppeteer");
  const inMacApp = ["*.app", "Contents", "MacOS"];
  const downloaded = [
    ...[
      "chrome",
      "chrome-headless-shell",
      "headless_shell",
      "chrome.exe",
      "chrome-headless-shell.exe",
    ].flatMap((program) => [
      ...glob(playwright, "*", "*", program),
      ...glob(puppeteer, "*", "*", "*", program),
    ]),
    ...["Chromium", "Google Chrome for Testing"].flatMap((name) => {
      const app = [`${name}.app`, ...inMacApp.slice(1), name];
      return [...glob(playwright, "*", "*", ...app), ...glob(puppeteer, "*", "*", "*", ...app)];
    }),
  ];
  return [
    ...(CHROME_PATH ? [CHROME_PATH] : []),
    // The shell without windows needs half of the time.
    ...onPath("chromium-headless-shell", "chrome-headless-shell"),
    ...onPath("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"),
    ...["/usr/bin/chromium", "/snap/bin/chromium", "/opt/google/chrome/chrome"],
    ...["/var/lib/flatpak/exports/bin/org.chromium.Chromium"],
    ...["Google Chrome", "Chromium", "Microsoft Edge"].flatMap(macApp),
    ...["Google/Chrome/Application/chrome.exe", "Chromium/Application/chrome.exe"].flatMap(windowsApp),
    ...windowsApp("Microsoft/Edge/Application/msedge.exe"),
    ...downloaded,
  ];
}

/** Returns folders that may contain PostgreSQL's programs, the newest version of each place first. */
function postgresCandidates(): string[] {
  const asked = onPath("pg_config")
    .filter(isProgram)
    .slice(0, 1)
    .flatMap((pgConfig) => {
      try {
        return [execFileSync(pgConfig, ["--bindir"], { encoding: "utf8" }).trim()];
      } catch {
        return [];
      }
    });
  return [
    ...asked,
    ...onPath("initdb").map((file) => join(file, "..")),
    ...glob("/usr/lib/postgresql", "*", "bin"),
    ...["/opt/homebrew/opt", "/usr/local/opt"].flatMap((folder) =>
      namesIn(folder)
        .filter((name) => /^postgresql(@\d+)?$/.test(name))
        .map((name) => join(folder, name, "bin")),
    ),
    ...glob("/Applications/Postgres.app/Contents/Versions", "*", "bin"),
    ...(env.ProgramFiles ? glob(env.ProgramFiles, "PostgreSQL", "*", "bin") : []),
  ];
}

/** Returns true if PostgreSQL can create the extension PostGIS. */
function hasPostgis(bin: string): boolean {
  const pgConfig = join(bin, "pg_config");
  const fromHere = ["../share/extension", "../share/postgresql/extension", "../share/postgresql/*/extension"];
  const folders = fromHere.flatMap((path) => glob(bin, ...path.split("/")));
  const debian = /^\/usr\/lib\/postgresql\/(\d+)\/bin$/.exec(bin)?.[1];
  if (debian) folders.push(`/usr/share/postgresql/${debian}/extension`);
  else if (isProgram(pgConfig)) {
    const share = execFileSync(pgConfig, ["--sharedir"], { encoding: "utf8" }).trim();
    folders.push(join(share, "extension"));
  }
  return folders.some((folder) => existsSync(join(folder, "postgis.control")));
}

const initdb = isWindows ? "initdb.exe" : "initdb";

/** Path of Chrome or Chromium; undefined if neither is found. */
export const chromePath = chromeCandidates().find(isProgram);
/** Folder with the programs of a PostgreSQL that has PostGIS; undefined if none is found. */
export const postgresBin = isWindows
  ? undefined // the tests reach it through a socket in a folder
  : postgresCandidates().find((bin) => isProgram(join(bin, initdb)) && hasPostgis(bin));
export const opensslPath = onPath("openssl").find(isProgram);
export const ogr2ogrPath = onPath("ogr2ogr").find(isProgram);

export function freePort(): Promise<number> {
  return new Promise((done) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => done(port));
    });
  });
}
