/** Searches what a map shows: the texts and numbers of its features, and the place names of its basemap. */
import { featureCountOf } from "../feature-count";
import { formatNumber } from "../format";
import type { PlaceName } from "../names-data";
import type { Card, Scene, SceneLayer } from "../scene";
import { folded } from "./fold";
import { RANKS, TextIndex } from "./text-index";

/** Maximum number of results. */
const MOST = 8;
/** Results for place names keep this many of them when there are more results of both kinds. */
const PLACES_KEPT = 3;
/** Maximum number of features of a result that are listed. */
const MOST_FEATURES = 100;
/** Numbers that are compared between two pauses. */
const NUMBERS_PER_STEP = 1 << 14;
const IS_NUMBER = /^[-−+]?[\d.]+$/;

/** Features of a layer with the same value. */
export interface FoundFeatures {
  readonly kind: "features";
  readonly text: string;
  readonly layer: number;
  /** Title of the column, if a card shows it, and there are others. */
  readonly title?: string;
  /** The first hundred. */
  readonly features: readonly number[];
  readonly count: number;
}

interface FoundPlace {
  readonly kind: "place";
  readonly text: string;
  readonly place: PlaceName;
}

export type SearchResult = FoundFeatures | FoundPlace;

export interface SearchResults {
  readonly results: readonly SearchResult[];
  /** There are more than these. */
  readonly hasMore: boolean;
}

/** Tells which features the map shows. */
export type IsShown = (layer: number, feature: number) => boolean;

interface Ranked<T extends SearchResult> {
  readonly rank: number;
  readonly result: T;
}

interface Source {
  readonly layer: number;
  readonly title?: string | undefined;
  find(query: string, isShown: IsShown): Generator<void, Ranked<FoundFeatures>[]>;
}

/** True if the features of a layer have values to read, one by one. */
const isSearched = (layer: SceneLayer): boolean =>
  layer.columns !== undefined && !layer.aggregate && columnsOf(layer).length > 0;

export class MapSearch {
  readonly #sources: readonly Source[];
  readonly #names: readonly PlaceName[];
  readonly #nameIndex: TextIndex;

  /** `names` are the places of the basemap, the most important ones first. */
  constructor({ layers }: Scene, names: readonly PlaceName[]) {
    this.#sources = [...layers.entries()].reverse().flatMap(([i, layer]) => sourcesOf(layer, i));
    this.#names = names;
    this.#nameIndex = new TextIndex(names.map(({ text }) => text));
  }

  /**
   * Finds features and places by a part of their texts, or the beginning of a number, whatever its case and accents: features
   * first, those that start with it before others. Pauses every few milliseconds; whoever calls it decides when to go on.
   */
  *find(asked: string, isShown: IsShown): Generator<void, SearchResults> {
    const query = folded(asked).trim();
    if (query === "") return { results: [], hasMore: false };
    const found: Ranked<FoundFeatures>[] = [];
    for (const source of this.#sources) found.push(...(yield* source.find(query, isShown)));
    const named = yield* this.#nameIndex.find(query, MOST + 1, () => true);
    // `!`: indexes of the names
    const places = named.map(({ rank, text }) => ({
      rank,
      result: { kind: "place", text: this.#names[text]!.text, place: this.#names[text]! } as const,
    }));
    const features = withoutTwins(found.sort((a, b) => a.rank - b.rank)); // stable: the topmost layer first
    const kept = Math.min(PLACES_KEPT, places.filter(({ rank }) => rank <= RANKS.start).length);
    const results = [...features.slice(0, MOST - kept), ...places].slice(0, MOST);
    return {
      results: results.map(({ result }) => result),
      hasMore: features.length + places.length > results.length,
    };
  }
}

/** Leaves out results about the same features by the same text, such as of a label and a name. */
function withoutTwins(found: readonly Ranked<FoundFeatures>[]): Ranked<FoundFeatures>[] {
  const seen = new Set<string>();
  return found.filter(({ result: { layer, text, features } }) => {
    const key = `${layer} ${features[0]} ${text}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

interface SearchedColumn {
  readonly column: number;
  readonly title?: string;
  readonly format?: string | undefined;
}

/** The columns of labels, tooltips and popups, each once. */
function columnsOf({ label, tooltip, popup }: SceneLayer): SearchedColumn[] {
  const fieldsOf = (card: Card | undefined) =>
    (card?.fields ?? []).map(({ column, title, format }) => ({ column, title, format }));
  const fields = [...fieldsOf(tooltip), ...fieldsOf(popup)];
  const labels = label
    ? [fields.find(({ column }) => column === label.column) ?? { column: label.column }]
    : [];
  const byColumn = new Map<number, SearchedColumn>();
  for (const field of [...labels, ...fields])
    if (!byColumn.has(field.column)) byColumn.set(field.column, field);
  return [...byColumn.values()];
}

function sourcesOf(layer: SceneLayer, index: number): Source[] {
  if (!isSearched(layer)) return [];
  const { columns = [], geometry } = layer;
  const { rows } = geometry;
  const rowOf = (feature: number) => rows?.[feature] ?? feature;
  const count = featureCountOf(geometry);
  const searched = columnsOf(layer);
  return searched.flatMap(({ column, title, format }): Source[] => {
    const values = columns[column];
    if (!values) return [];
    const where = { layer: index, ...(searched.length > 1 && { title }) };
    return [
      values.kind === "texts"
        ? new TextSource(where, values.texts, {
            count,
            keyOf: (feature) => values.codes[rowOf(feature)] ?? 0,
          })
        : new NumberSource(where, {
            count,
            numberOf: (feature) => values.values[rowOf(feature)] ?? Number.NaN,
            format,
          }),
    ];
  });
}

type Where = Pick<Source, "layer" | "title">;

/** A column of texts. `!`: codes are at most the number of texts. */
class TextSource implements Source {
  readonly layer: number;
  readonly title: string | undefined;
  readonly #texts: readonly string[];
  readonly #index: TextIndex;
  readonly #count: number;
  readonly #keyOf: (feature: number) => number;
  /** The features in the order of their texts, and where those of each text start. */
  #byText: { readonly features: Uint32Array; readonly starts: Uint32Array } | undefined;

  /** `keyOf` returns the number of a feature's text from 1 on, or 0 if it has none. */
  constructor(
    { layer, title }: Where,
    texts: readonly string[],
    { count, keyOf }: { readonly count: number; readonly keyOf: (feature: number) => number },
  ) {
    this.layer = layer;
    this.title = title;
    this.#texts = texts;
    this.#index = new TextIndex(texts);
    this.#count = count;
    this.#keyOf = keyOf;
  }

  *find(query: string, isShown: IsShown): Generator<void, Ranked<FoundFeatures>[]> {
    const { layer, title } = this;
    const isAny = (text: number) => this.#featuresOf(text).some((feature) => isShown(layer, feature));
    const found = yield* this.#index.find(query, MOST + 1, isAny);
    return found.map(({ rank, text }) => {
      const shown = this.#featuresOf(text).filter((feature) => isShown(layer, feature));
      const features = [...shown.subarray(0, MOST_FEATURES)];
      const result = {
        kind: "features",
        text: this.#texts[text]!,
        layer,
        features,
        count: shown.length,
      } as const;
      return { rank, result: title === undefined ? result : { ...result, title } };
    });
  }

  #featuresOf(text: number): Uint32Array {
    this.#byText ??= this.#sorted();
    const { features, starts } = this.#byText;
    return features.subarray(starts[text + 1]!, starts[text + 2]!);
  }

  #sorted() {
    const starts = new Uint32Array(this.#texts.length + 2);
    for (let feature = 0; feature < this.#count; feature++) starts[this.#keyOf(feature) + 1]!++;
    for (let key = 1; key < starts.length; key++) starts[key]! += starts[key - 1]!;
    const features = new Uint32Array(this.#count);
    const next = starts.slice();
    for (let feature = 0; feature < this.#count; feature++) features[next[this.#keyOf(feature)]!++] = feature;
    return { features, starts };
  }
}

/** A column of numbers. */
class NumberSource implements Source {
  readonly layer: number;
  readonly title: string | undefined;
  readonly #count: number;
  readonly #numberOf: (feature: number) => number;
  readonly #format: string | undefined;

  constructor(
    { layer, title }: Where,
    {
      count,
      numberOf,
      format,
    }: {
      readonly count: number;
      readonly numberOf: (feature: number) => number;
      readonly format?: string | undefined;
    },
  ) {
    this.layer = layer;
    this.title = title;
    this.#count = count;
    this.#numberOf = numberOf;
    this.#format = format;
  }

  *find(asked: string, isShown: IsShown): Generator<void, Ranked<FoundFeatures>[]> {
    const query = asked.replace(/,(?=\d{3})|^\+/g, "").replace("−", "-");
    if (!IS_NUMBER.test(query)) return [];
    const { layer, title } = this;
    const byValue = new Map<number, { readonly features: number[]; count: number }>();
    let exact = 0;
    for (let from = 0; from < this.#count; from += NUMBERS_PER_STEP) {
      const end = Math.min(this.#count, from + NUMBERS_PER_STEP);
      for (let feature = from; feature < end; feature++) {
        const value = this.#numberOf(feature);
        let known = byValue.get(value);
        if (!known) {
          const text = String(value);
          if (!text.startsWith(query)) continue;
          const isExact = text === query;
          if (!isExact && byValue.size - exact > MOST) continue;
          if (!isShown(layer, feature)) continue;
          if (isExact) exact = 1;
          known = { features: [], count: 0 };
          byValue.set(value, known);
        } else if (!isShown(layer, feature)) continue;
        known.count++;
        if (known.features.length < MOST_FEATURES) known.features.push(feature);
      }
      yield;
    }
    return [...byValue].map(([value, { features, count }]) => {
      const text = formatNumber(value, this.#format);
      const result = { kind: "features", text, layer, features, count } as const;
      return {
        rank: String(value) === query ? RANKS.whole : RANKS.start,
        result: title === undefined ? result : { ...result, title },
      };
    });
  }
}
