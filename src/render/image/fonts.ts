/**
 * Chooses the fonts of an image. Skia looks a character up in the families that a text names and in no others, so those that
 * have the characters of a map are found first.
 */
import type { SKRSContext2D } from "@napi-rs/canvas";
import { namesOf } from "../names";
import type { Scene } from "../scene";
import { loadSkia, OWN_FONT, type Skia } from "./skia";

/** Families that are tried first, as far as the system has them. */
const PREFERRED = [
  "Noto Sans",
  "DejaVu Sans",
  "Segoe UI",
  "Arial Unicode MS",
  "Noto Sans CJK SC",
  "PingFang SC",
  "Microsoft YaHei",
  "Hiragino Sans",
  "Malgun Gothic",
  "Apple Color Emoji",
  "Segoe UI Emoji",
  "Noto Color Emoji",
];
/** Most of the shipped font: texts of these characters alone need no other. See `scripts/font.ts`. */
const SHIPPED = /^[\u0020-\u007e\u00a0-\u052f\u1e00-\u20bf\u2100-\u22ff]*$/;
/** Characters that show nothing by themselves: spaces, controls, joiners, variation selectors. */
const INVISIBLE = /[\p{Z}\p{Cc}\p{Cf}\p{Variation_Selector}]/u;
/** Texts of a column beyond this number are not looked at; as many labels are considered. */
const MAX_TEXTS = 20_000;
const PROBE_PX = 32;
const MAX_SHOWN = 5;

/** Fonts for the texts of an image. */
export interface Fonts {
  /** CSS list of font families. */
  readonly families: string;
  /** Characters that no font of this system has, in order of appearance. */
  readonly missing: readonly string[];
}

/** Returns the fonts for the title, the legends, the labels and the widgets of a map. */
export const fontsOfScene = (scene: Scene): Fonts => fontsFor(textsOf(scene));

/** Lists the first characters of a map that no font of this system has, such as `"東", "京"`; an empty string if there are none. */
export function missingCharacters(scene: Scene): string {
  const { missing } = fontsOfScene(scene);
  const shown = missing.slice(0, MAX_SHOWN).map((character) => JSON.stringify(character));
  return [...shown, ...(missing.length > MAX_SHOWN ? [`and ${missing.length - MAX_SHOWN} others`] : [])].join(
    ", ",
  );
}

/** Returns fonts that have the characters of some texts: the shipped one, then as few of the system's as possible. */
export function fontsFor(texts: Iterable<string>): Fonts {
  const families = [OWN_FONT];
  const missing: string[] = [];
  for (const character of foreignCharacters(texts)) {
    const family = familyOf(character, families);
    if (family === undefined) missing.push(character);
    else if (!families.includes(family)) families.push(family);
  }
  return { families: listOf(families), missing };
}

/** Lists characters that the shipped font may lack. */
function foreignCharacters(texts: Iterable<string>): Set<string> {
  const characters = new Set<string>();
  for (const text of texts) {
    if (SHIPPED.test(text)) continue;
    for (const character of text) if (!INVISIBLE.test(character)) characters.add(character);
  }
  return characters;
}

function* textsOf(scene: Scene): Generator<string> {
  const { title = "", legends, layers, widgets = [] } = scene;
  yield title;
  for (const widget of widgets) yield widget.title;
  for (const { text } of namesOf(scene)) yield text;
  for (const legend of legends) {
    yield legend.title;
    for (const { label } of legend.items) yield label;
  }
  for (const { label, columns = [], explored = [] } of layers) {
    for (const column of explored) {
      if (column.kind === "category") yield* column.texts;
      if (column.kind === "range") yield* column.labels;
    }
    const column = label && columns[label.column];
    if (column?.kind === "texts") yield* column.texts.slice(0, MAX_TEXTS);
  }
}

const known = new Map<string, string | undefined>();
let probe: SKRSContext2D | undefined;

/** Returns a family that has a character, one of `chosen` if possible; undefined if no font of the system has it. */
function familyOf(character: string, chosen: readonly string[]): string | undefined {
  if (known.has(character)) return known.get(character);
  const skia = loadSkia();
  probe ??= skia.createCanvas(PROBE_PX, PROBE_PX).getContext("2d");
  const context = probe;
  const has = (name: string) => paints(context, name, character);
  const family = chosen.find(has) ?? systemFamilies(skia).find(has);
  known.set(character, family);
  return family;
}

/** Lists the system's families: preferred ones, then those without serifs, then all others. */
function systemFamilies({ GlobalFonts }: Skia): string[] {
  const names = GlobalFonts.families.map(({ family }) => family);
  const rankOf = (name: string) => {
    const preferred = PREFERRED.indexOf(name);
    return preferred >= 0 ? preferred : PREFERRED.length + (/sans/i.test(name) ? 0 : 1);
  };
  return names.sort((a, b) => rankOf(a) - rankOf(b) || (a < b ? -1 : 1));
}

/** Skia draws a character that no family has as the first family does: in the shipped font it is blank, in many a box. */
function paints(context: SKRSContext2D, family: string, character: string): boolean {
  context.clearRect(0, 0, PROBE_PX, PROBE_PX);
  context.font = `${PROBE_PX / 2}px ${listOf([OWN_FONT, family])}`;
  context.fillText(character, PROBE_PX / 4, (3 * PROBE_PX) / 4);
  return context.getImageData(0, 0, PROBE_PX, PROBE_PX).data.some((value) => value !== 0);
}

const listOf = (families: readonly string[]) => families.map((name) => JSON.stringify(name)).join(", ");
