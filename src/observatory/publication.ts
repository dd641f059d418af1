/** What `cc.observatory.publish` takes, and the JSON of OBS_Publish that it becomes. */

import { InvalidArgumentError } from "../errors";
import { OPTION_NAMES } from "../option-names";
import { checkOptions, listed } from "../options";
import { REGION_NAMES, regionNamed } from "./regions";

/** A measure of a publication: a column of the table, and what it means. */
export interface PublishedMeasure {
  readonly column: string;
  /** By which it is asked for. @default the dataset's id, a dot, the column */
  readonly id?: string;
  readonly name?: string;
  readonly description?: string;
  /** Of what it is: `people`, `€`. */
  readonly unit?: string;
  /** How areas are put together: `sum`, `median`, `average`, `quantile`, `mode`. @default not at all */
  readonly aggregate?: "sum" | "median" | "average" | "quantile" | "mode";
  /** What a rate is made with: another measure's column, or an id of the catalog. */
  readonly denominator?: string;
  /** What a median or average is weighted with: another measure's column, or an id of the catalog. */
  readonly universe?: string;
  readonly source?: string;
  readonly license?: string;
  /** The part of a catalog it is in: `Health`. */
  readonly subsection?: string;
  /** 0 hides it from discovery. @default 1 */
  readonly weight?: number;
}

/** The areas that measures are of. */
export interface PublishedBoundary {
  /** The id of the level: `es.mine.district`. */
  readonly id: string;
  /** The column that identifies each area. Its values are unique. */
  readonly idColumn: string;
  /** The column that names each area. */
  readonly nameColumn?: string;
  readonly name?: string;
  readonly description?: string;
  /**
   * A level of the catalog, of whose areas these are another drawing: with its identifiers, and so with its measures.
   * @default areas of their own
   */
  readonly sameAreasAs?: string;
}

export interface PublishOptions {
  /** The dataset's name for people. */
  readonly name: string;
  /** Its id, of lower-case letters, digits, `.`, `_`, `-`. @default made of the name */
  readonly dataset?: string;
  readonly description?: string;
  readonly source?: string;
  readonly license?: string;
  readonly version?: string;
  readonly subsection?: string;
  /** Of when the data are: `2024`, or `2011 - 2015`. */
  readonly timespan: string;
  /** The regions under whose names discovery finds it, as `cc.dataDiscovery` knows them. */
  readonly region?: string | readonly string[];
  readonly boundary: PublishedBoundary;
  /** The column of polygons, which publishes the level itself. Without it `boundary.id` is one of the catalog. */
  readonly geometry?: string;
  readonly measures?: readonly PublishedMeasure[];
  /** Cancels the request. */
  readonly signal?: AbortSignal;
}

/** @throws InvalidArgumentError for what is missing, misspelt or of another type */
export function checkPublication(options: PublishOptions): void {
  checkOptions("publish", options, OPTION_NAMES.PublishOptions);
  const { boundary, measures, geometry } = options;
  checkTexts("publish", options, ["name", "timespan"], ["region", "boundary", "measures", "signal"]);
  if (boundary === undefined)
    throw new InvalidArgumentError(
      'publish needs boundary: which areas the rows are, such as { id: "es.mine.district", idColumn: "code" }.',
    );
  checkOptions("boundary", boundary, OPTION_NAMES.PublishedBoundary);
  checkTexts("boundary", boundary, ["id", "idColumn"]);
  if (measures !== undefined && !Array.isArray(measures)) {
    throw new InvalidArgumentError(
      'measures must be a list such as [{ column: "people", aggregate: "sum" }].',
    );
  }
  for (const measure of measures ?? []) {
    checkOptions("A measure", measure, OPTION_NAMES.PublishedMeasure);
    checkTexts("A measure", measure, ["column"], ["weight"]);
    if (measure.weight !== undefined && !(typeof measure.weight === "number" && measure.weight >= 0))
      throw new InvalidArgumentError("The weight of a measure must be a number of at least 0.");
  }
  if (geometry === undefined && (measures ?? []).length === 0) {
    throw new InvalidArgumentError("There is nothing to publish: name measures, a geometry column, or both.");
  }
  regionTags(options.region);
}

function checkTexts(
  what: string,
  given: object,
  required: readonly string[],
  others: readonly string[] = [],
): void {
  for (const name of required) {
    if ((given as Record<string, unknown>)[name] === undefined)
      throw new InvalidArgumentError(`${what} needs ${name}.`);
  }
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || others.includes(name)) continue;
    if (typeof value !== "string" || value.trim() === "")
      throw new InvalidArgumentError(`${name} of ${what} must be a text: ${name}: "…".`);
  }
}

/** The id of the dataset: the one given, or made of its name. */
export function datasetOf({ dataset, name }: PublishOptions): string {
  if (dataset !== undefined) return dataset;
  const plain = name.normalize("NFKD").toLowerCase().replace(/\p{M}/gu, "");
  const id = plain
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "")
    .slice(0, 63);
  if (id !== "") return id;
  throw new InvalidArgumentError(
    `No id can be made of the name ${JSON.stringify(name)}. Pass dataset, of lower-case letters and digits.`,
  );
}

function regionTags(region: PublishOptions["region"]): Record<string, string> | undefined {
  if (region === undefined) return undefined;
  const names: readonly unknown[] = typeof region === "string" ? [region] : region;
  return Object.fromEntries(
    names.map((name) => {
      const known = typeof name === "string" ? regionNamed(name) : undefined;
      if (known) return [known.tag, known.name];
      throw new InvalidArgumentError(
        `There is no region ${JSON.stringify(name)}. The available regions are ${listed(REGION_NAMES)}.`,
      );
    }),
  );
}

/**
 * The description that OBS_Publish takes.
 * @param columnNamed the name in the table of a column as the user calls it
 */
export function publicationJson(options: PublishOptions, columnNamed: (name: string) => string): string {
  const { name, description, source, license, version, subsection, timespan, boundary, geometry } = options;
  const own = new Set((options.measures ?? []).map(({ column }) => column));
  const related = (target: string | undefined) =>
    target !== undefined && own.has(target) ? columnNamed(target) : target;
  return JSON.stringify({
    dataset: datasetOf(options),
    name,
    description,
    source,
    license,
    version,
    subsection,
    timespan,
    sections: regionTags(options.region),
    boundary: {
      id: boundary.id,
      name: boundary.name,
      description: boundary.description,
      same_areas_as: boundary.sameAreasAs,
      id_column: columnNamed(boundary.idColumn),
      name_column: boundary.nameColumn === undefined ? undefined : columnNamed(boundary.nameColumn),
      geometry_column: geometry === undefined ? undefined : columnNamed(geometry),
    },
    measures: (options.measures ?? []).map((measure) => ({
      ...measure,
      column: columnNamed(measure.column),
      denominator: related(measure.denominator),
      universe: related(measure.universe),
    })),
  });
}
