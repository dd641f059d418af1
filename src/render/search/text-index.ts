/**
 * Finds texts that contain another one. Texts are packed into long strings, one per line, which are folded when they are
 * first searched, so that a million texts are compared without a string for each.
 */
import { folded } from "./fold";

/** Characters after which a pack is full: folding and searching it takes a few milliseconds. */
const PACK_CHARACTERS = 1 << 16;
const LINE_ENDS = /[\n\r\u2028\u2029]+/g;
const AROUND = / ?\n ?/g;
/** What continues a word. */
const IN_WORD = /[\p{L}\p{N}\p{M}]/u;

/** How well a text matches; less is better. */
export const RANKS = { whole: 0, start: 1, word: 2, inside: 3 } as const;

export interface FoundText {
  readonly rank: number;
  /** Index of the text. */
  readonly text: number;
}

/** Some texts: a line feed, then each folded text with a line feed after it. */
interface Pack {
  readonly lines: string;
  /** Index of the first text. */
  readonly first: number;
  /** Where each text starts in `lines`; made when it is first needed. */
  starts?: Uint32Array;
}

/** `!` in this class: indexes are below the number of texts, or of packs. */
export class TextIndex {
  readonly #texts: readonly string[];
  readonly #packs: Pack[] = [];
  /** The first text that is in no pack. */
  #next = 0;

  constructor(texts: readonly string[]) {
    this.#texts = texts;
  }

  /**
   * Finds texts that contain `query`, which is folded: those that are equal to it, then those that start with it, those
   * in which a word does, and those with it inside a word. Returns the first `most` that are accepted. Pauses after
   * each pack.
   */
  *find(query: string, most: number, accepts: (text: number) => boolean): Generator<void, FoundText[]> {
    const found: FoundText[] = [];
    const seen = new Set<number>();
    const add = (list: FoundText[], rank: number, text: number) => {
      if (seen.has(text)) return;
      seen.add(text);
      if (accepts(text)) list.push({ rank, text });
    };
    for (const [rank, pattern] of [
      [RANKS.whole, `\n${query}\n`],
      [RANKS.start, `\n${query}`],
    ] as const) {
      for (let p = 0; found.length < most; p++) {
        const pack = this.#packAt(p);
        if (!pack) break;
        const { lines } = pack;
        for (let at = lines.indexOf(pattern); at >= 0 && found.length < most; ) {
          add(found, rank, textAt(pack, at + 1));
          at = lines.indexOf(pattern, at + query.length);
        }
        yield;
      }
    }
    const inside: number[] = [];
    for (let p = 0; found.length < most; p++) {
      const pack = this.#packAt(p);
      if (!pack) break;
      const { lines } = pack;
      for (let at = lines.indexOf(query); at >= 0 && found.length < most; at = lines.indexOf(query, at + 1)) {
        const before = characterBefore(lines, at);
        if (before === "\n") continue; // found above
        if (!IN_WORD.test(before)) add(found, RANKS.word, textAt(pack, at));
        else if (inside.length < most) {
          const text = textAt(pack, at);
          if (inside.at(-1) !== text && !seen.has(text) && accepts(text)) inside.push(text);
        }
      }
      yield;
    }
    for (const text of inside) if (found.length < most) add(found, RANKS.inside, text);
    return found;
  }

  /** Returns a pack; undefined after the last one. */
  #packAt(index: number): Pack | undefined {
    if (index < this.#packs.length) return this.#packs[index];
    const first = this.#next;
    if (first >= this.#texts.length) return undefined;
    let characters = 0;
    for (; this.#next < this.#texts.length && characters < PACK_CHARACTERS; this.#next++)
      characters += this.#texts[this.#next]!.length + 1;
    const texts = this.#texts.slice(first, this.#next);
    const isPlain = !texts.some((text) => text.search(LINE_ENDS) >= 0);
    const lines = isPlain ? texts : texts.map((text) => text.replace(LINE_ENDS, " "));
    const trimmed = folded(lines.join("\n")).replace(AROUND, "\n");
    const pack = { lines: `\n${trimmed}\n`, first };
    this.#packs.push(pack);
    return pack;
  }
}

/** Returns the index of the text at a position of a pack. */
function textAt(pack: Pack, at: number): number {
  pack.starts ??= startsOf(pack.lines);
  const { starts, first } = pack;
  let [low, high] = [0, starts.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (starts[middle]! <= at)
      low = middle; // `!`: middle is at most high
    else high = middle - 1;
  }
  return first + low;
}

function startsOf(lines: string): Uint32Array {
  const starts: number[] = [];
  for (let at = 1; at < lines.length; at = lines.indexOf("\n", at) + 1) starts.push(at);
  return Uint32Array.from(starts);
}

/** Returns the character that ends before a position, also one of two code units. */
function characterBefore(text: string, at: number): string {
  const unit = text.charCodeAt(at - 1);
  const isSecond = unit >= 0xdc00 && unit <= 0xdfff;
  return text.slice(at - (isSecond ? 2 : 1), at);
}
