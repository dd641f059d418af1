/** Content guessing: finds the column that names places, and their geometries. */
import type { Plan, PlannedColumn } from "./analyse";
import type { Places } from "./gazetteer";
import type { Row } from "./table-source";
import { textOf } from "./types";

/** Minimum share of the sampled values that must be places. */
const MIN_SHARE = 0.9;
/** Minimum number of values, because a single word may be a place by chance. */
const MIN_VALUES = 2;

type Kind = "country" | "state" | "county" | "city";

/** Column names that suggest a kind, which is then tried first. */
const HINTS: Readonly<Record<Kind, RegExp>> = {
  country: /countr|nation|pais|land$|^iso/,
  state: /state|estado|province/,
  county: /county|counties|fips|geoid/,
  city: /city|cities|town|ciudad|place|stadt|ville|municip/,
};
/** Order in which kinds are tried, because a value may fit several: there are cities called California. */
const LARGEST_FIRST: readonly Kind[] = ["country", "state", "county", "city"];
const SMALLEST_FIRST = [...LARGEST_FIRST].reverse();

/** The result of guessing, and a function that returns the geometry of a row. */
export interface Guess {
  readonly kind: Kind;
  readonly column: string;
  readonly of: (row: Row) => string | null;
}

interface Place {
  readonly column: PlannedColumn;
  readonly kind: Kind;
}

/** Finds the column with the smallest kind of places, such as cities rather than countries. Null if no column has places. */
export function guessContent({ columns, sample }: Plan, places: Places): Guess | null {
  const found: Place[] = [];
  for (const column of columns) {
    const kind = kindOf(column, sample, places);
    if (kind) found.push({ column, kind });
  }
  const byKind = (kind: Kind) => found.find((place) => place.kind === kind)?.column;
  const country = byKind("country");
  const state = byKind("state");
  for (const kind of SMALLEST_FIRST) {
    const column =
      byKind(kind) ?? (kind === "county" && state ? countyBeside(columns, sample, state, places) : undefined);
    if (!column) continue;
    const find = finder(kind, column, { country, state }, places);
    return {
      kind,
      column: column.name,
      of: (row) => {
        const id = find(row);
        return id === undefined ? null : places.geometry(id);
      },
    };
  }
  return null;
}

/** Returns the kind of place that most values of a column name. */
function kindOf(column: PlannedColumn, sample: readonly Row[], places: Places): Kind | undefined {
  const isCode = column.type === "integer" && HINTS.county.test(column.name);
  if (column.type !== "text" && !isCode) return undefined;
  const texts = valuesOf(column, sample);
  if (texts.length < MIN_VALUES) return undefined;
  const hinted = LARGEST_FIRST.filter((kind) => HINTS[kind].test(column.name));
  const kinds = isCode ? (["county"] as const) : [...hinted, ...LARGEST_FIRST];
  return kinds.find((kind) => shareOf(texts, (text) => places[kind](text)) >= MIN_SHARE);
}

/** Finds a column of counties whose names are unique only together with the state in another column. */
function countyBeside(
  columns: readonly PlannedColumn[],
  sample: readonly Row[],
  state: PlannedColumn,
  places: Places,
): PlannedColumn | undefined {
  return columns.find((column) => {
    if (column === state || column.type !== "text") return false;
    const find = finder("county", column, { state }, places);
    const rows = sample.filter((row) => textAt(row, column) !== "");
    return (
      rows.length >= MIN_VALUES &&
      rows.filter((row) => find(row) !== undefined).length / rows.length >= MIN_SHARE
    );
  });
}

function finder(
  kind: Kind,
  column: PlannedColumn,
  beside: { readonly country?: PlannedColumn; readonly state?: PlannedColumn },
  places: Places,
): (row: Row) => string | undefined {
  return (row) => {
    const text = textAt(row, column);
    if (text === "") return undefined;
    if (kind === "country" || kind === "state") return places[kind](text);
    const state = beside.state && places.state(textAt(row, beside.state));
    if (kind === "county") return places.county(text, state);
    return places.city(text, {
      state,
      country: beside.country && places.country(textAt(row, beside.country)),
    });
  };
}

const textAt = (row: Row, { at }: PlannedColumn) => textOf(row.values[at])?.trim() ?? "";

const valuesOf = (column: PlannedColumn, sample: readonly Row[]) =>
  sample.map((row) => textAt(row, column)).filter((text) => text !== "");

const shareOf = (texts: readonly string[], find: (text: string) => string | undefined) =>
  texts.filter((text) => find(text) !== undefined).length / texts.length;
