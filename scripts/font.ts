/**
 * Subsets the font for text in images to the scripts it covers. Usage: `npx tsx scripts/font.ts [outFile]`
 *
 * Inter by the Inter Project Authors (https://github.com/rsms/inter), SIL Open Font License 1.1.
 */
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import subsetFont from "subset-font";
import writeFileAtomic from "write-file-atomic";

/** Ranges of code points (first, last) that `pageFont` in `src/render/assets.ts` considers Latin. */
const LATIN = [
  [0x0020, 0x007e], // ASCII
  [0x00a0, 0x00ff], // Western Europe
  [0x2000, 0x206f], // punctuation
] as const;
const ALL = [
  [0x0020, 0x007e], // ASCII
  [0x00a0, 0x036f], // Latin, phonetic letters, accents
  [0x0370, 0x03ff], // Greek
  [0x0400, 0x052f], // Cyrillic
  [0x1e00, 0x1fff], // more Latin and Greek
  [0x2000, 0x20bf], // punctuation, superscripts, currencies
  [0x2100, 0x22ff], // letter-like symbols, arrows, mathematics
  [0x25a0, 0x25ff], // shapes
] as const;

/** What names of places in Latin letters consist of, and degrees: `OF_NAMES` in `src/render/assets.ts` has the same list. */
const OF_NAMES = [
  [0x0020, 0x0020],
  [0x0026, 0x0029], // & ' ( )
  [0x002c, 0x0039], // , - . / digits
  [0x0041, 0x005a],
  [0x0061, 0x007a],
  [0x00b0, 0x00b0], // °
  [0x00c0, 0x017f], // Western and Central Europe, Turkish
  [0x0218, 0x021b], // Romanian
  [0x2018, 0x2019], // ‘ ’
  [0x2032, 0x2033], // ′ ″
] as const;

/**
 * Writes `font.ttf`, and next to it `font-latin.ttf` for pages whose labels need only Latin characters, and
 * `font-names.woff2` for pages that have place names but no labels.
 */
export async function buildFont(outFile: string): Promise<void> {
  await buildSubset(ALL, outFile);
  await buildSubset(LATIN, join(dirname(outFile), "font-latin.ttf"));
  await buildSubset(OF_NAMES, join(dirname(outFile), "font-names.woff2"), {
    targetFormat: "woff2",
    noLayoutClosure: true,
  });
}

async function buildSubset(
  blocks: typeof LATIN | typeof ALL | typeof OF_NAMES,
  outFile: string,
  options: Parameters<typeof subsetFont>[2] = { targetFormat: "sfnt" },
): Promise<void> {
  const file = createRequire(__filename).resolve("@expo-google-fonts/inter/400Regular/Inter_400Regular.ttf");
  const characters = blocks.flatMap(([first, last]) =>
    Array.from({ length: last - first + 1 }, (_, i) => String.fromCodePoint(first + i)),
  );
  const font = await subsetFont(await readFile(file), characters.join(""), options);
  await mkdir(dirname(outFile), { recursive: true });
  await writeFileAtomic(outFile, Buffer.from(font)); // concurrent tests read the old file or the new one
}

if (require.main === module) {
  buildFont(resolve(process.argv[2] ?? join(__dirname, "..", "dist", "font.ttf")));
}
