/** Texts without case and accents, and the texts that contain one. */
import { describe, expect, test } from "vitest";
import { folded } from "../../../src/render/search/fold";
import { RANKS, TextIndex } from "../../../src/render/search/text-index";
import { mulberry32 } from "../../support/seeded";

/** Runs a search to its end. */
function found(
  texts: readonly string[],
  query: string,
  most = 8,
  accepts: (text: number) => boolean = () => true,
) {
  const steps = new TextIndex(texts).find(folded(query), most, accepts);
  let step = steps.next();
  while (!step.done) step = steps.next();
  return step.value.map(({ text, rank }) => [texts[text], rank] as const);
}
const textsFound = (...search: Parameters<typeof found>) => found(...search).map(([text]) => text);

describe("texts as a search compares them", () => {
  test.each([
    ["accents", "São Tomé", "sao tome"],
    ["letters that are no letter with a mark", "ŁÓDŹ Ærø Đà", "lodz aero da"],
    ["sharp s", "Straße STRASSE", "strasse strasse"],
    ["the Turkish i", "İzmir Iğdır", "izmir igdir"],
    ["the last sigma of a word", "ΟΔΟΣ οδός", "οδοσ οδοσ"],
    ["full width and ligatures", "Ｔｏｋｙｏ ﬁeld", "tokyo field"],
    ["Arabic vowels and hamza", "القَاهِرَة أسوان", "القاهرة اسوان"],
    ["Hebrew points", "יְרוּשָׁלַיִם", "ירושלים"],
    ["spaces of any kind", "New\u00a0 \tYork", "new york"],
    ["characters that nobody sees", "so\u00adft\u200b \u202eword", "soft word"],
    ["Chinese, and a flag", "北京 🇨🇳", "北京 🇨🇳"],
    ["a letter without its other half", "\ud83d!", "\ud83d!"],
  ])("%s", (_, text, expected) => {
    expect(folded(text)).toBe(expected);
    expect(folded(folded(text))).toBe(expected);
  });
});

describe("finding texts", () => {
  test("equal texts come first, then those that start with it, then words, then the rest", () => {
    const texts = ["Greenport", "Old Port", "Portland", "PÓRT", "Newport-on-Port", "harbour"];
    expect(found(texts, "port")).toEqual([
      ["PÓRT", RANKS.whole],
      ["Portland", RANKS.start],
      ["Old Port", RANKS.word],
      ["Newport-on-Port", RANKS.word],
      ["Greenport", RANKS.inside],
    ]);
  });

  test("texts are whole lines, whatever they hold", () => {
    expect(textsFound(["one\ntwo", "", "  two", "\u2028", "t\0wo", "two "], "two")).toEqual([
      "  two",
      "two ",
      "one\ntwo",
    ]);
    expect(textsFound(["a.c", "abc", "[a", "\\d"], "[a")).toEqual(["[a"]);
    expect(textsFound([], "a")).toEqual([]);
    expect(textsFound(["", ""], "a")).toEqual([]);
    expect(textsFound(["北京市", "東京", "京都"], "京")).toEqual(["京都", "北京市", "東京"]);
    expect(textsFound(["👩‍🚀 crew", "crew"], "👩‍🚀")).toEqual(["👩‍🚀 crew"]);
  });

  test("only accepted texts count, and no more than are asked for", () => {
    const texts = Array.from({ length: 50 }, (_, i) => `item ${i}`);
    expect(textsFound(texts, "item", 3, (text) => text % 2 === 1)).toEqual(["item 1", "item 3", "item 5"]);
    expect(textsFound(texts, "em", 2)).toEqual(["item 0", "item 1"]);
  });

  test("finds what a comparison of every text finds", () => {
    const random = mulberry32(11);
    const letters = [..."aábB c-ß\n"];
    const word = (length: number) =>
      Array.from({ length }, () => letters[Math.floor(random() * letters.length)]).join("");
    const texts = Array.from({ length: 20_000 }, () => word(Math.floor(random() * 9)));
    for (let round = 0; round < 40; round++) {
      const query = folded(word(1 + Math.floor(random() * 3)).replace("\n", "a")).trim();
      if (query === "") continue;
      const rankOf = (text: string) => {
        const line = folded(text.replace(/\n+/g, " ")).trim();
        if (line === query) return RANKS.whole;
        if (line.startsWith(query)) return RANKS.start;
        for (let at = line.indexOf(query); at >= 0; at = line.indexOf(query, at + 1))
          if (/[^\p{L}\p{N}\p{M}]/u.test(line[at - 1]!)) return RANKS.word;
        return line.includes(query) ? RANKS.inside : undefined;
      };
      const expected = texts
        .flatMap((text, i) => (rankOf(text) === undefined ? [] : [{ rank: rankOf(text)!, i }]))
        .sort((a, b) => a.rank - b.rank)
        .slice(0, 8)
        .map(({ rank, i }) => [texts[i], rank]);
      expect(found(texts, query), `seed 11, round ${round}, ${JSON.stringify(query)}`).toEqual(expected);
    }
  });
});
