import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { bundledPackages } from "./bundles";

const MODULES = join(__dirname, "../node_modules");

/** What the package carries beside JavaScript, see `scripts/template.ts`. */
const DATABASE = `## The embedded database

\`dist/template/postgis.tar.gz\` is an unmodified part of the npm package \`@electric-sql/pglite-postgis\`: PostGIS as
WebAssembly with the libraries it is linked with, and PROJ's data. \`dist/template/data.tar.gz\` is a database directory
made by \`@electric-sql/pglite\` with PostGIS' SQL objects in it.

| work | licence | source |
| --- | --- | --- |
| PostGIS | GPL-2.0-or-later | <https://github.com/postgis/postgis> |
| GEOS | LGPL-2.1-or-later | <https://github.com/libgeos/geos> |
| PROJ | MIT | <https://github.com/OSGeo/PROJ> |
| libxml2, json-c | MIT | <https://gitlab.gnome.org/GNOME/libxml2>, <https://github.com/json-c/json-c> |
| PostgreSQL | PostgreSQL Licence | <https://www.postgresql.org/ftp/source/> |
| PGlite, its builds of the above | Apache-2.0 | <https://github.com/electric-sql/pglite>, <https://github.com/electric-sql/postgres-pglite> |
`;

/** Lists what the bundles contain, each with its licence text. The file is committed; a build keeps it true. */
export async function writeNotices(file: string): Promise<void> {
  const sections = await Promise.all((await bundledPackages()).map(noticeOf));
  const title =
    "# Third-party notices\n\nWhat the published package of cartoframes contains of other works.\n";
  await writeFile(file, [title, DATABASE, "## Bundled JavaScript\n", ...sections].join("\n"));
}

async function noticeOf(name: string): Promise<string> {
  const dir = join(MODULES, name);
  const { version, license } = JSON.parse(await readFile(join(dir, "package.json"), "utf8"));
  return `### ${name} ${version} (${license})\n\n\`\`\`\n${await licenceText(dir)}\n\`\`\`\n`;
}

/** The licence file of a package, or the chapter of its README. */
async function licenceText(dir: string): Promise<string> {
  const names = await readdir(dir);
  const file = names.find((name) => /^licen[cs]e(\.|$)/i.test(name));
  if (file) return (await readFile(join(dir, file), "utf8")).trim();
  const readme = names.find((name) => /^readme\.md$/i.test(name));
  const text = readme ? await readFile(join(dir, readme), "utf8") : "";
  const chapter = /^#* ?licen[cs]e\b[^\n]*\n([\s\S]+)/im.exec(text)?.[1];
  if (!chapter) throw new Error(`${dir} has no licence; find it and name it in scripts/notices.ts.`);
  return chapter.replace(/^-+\n/, "").trim();
}
