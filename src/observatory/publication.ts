/** The options of `cc.observatory.publish`, and the JSON that they become for OBS_Publish. */
import type { PublishedMeasure } from "../api/schemas/observatory";
import { InvalidArgumentError } from "../errors";
import { OPTION_NAMES } from "../option-names";
import { checkOptions, listed } from "../options";
import { REGION_NAMES, regionNamed } from "./regions";

/** The areas that the rows describe. */
export interface PublishedBoundary {
  /** Id of the level, such as `es.mine.district`. */
  readonly id: string;
  /** Name of the column that identifies each area. Its values must be unique. */
  readonly idColumn: string;
  /** Name of the column with the name of each area. */
  readonly nameColumn?: string;
  /** Name of the level for people. @default its id */
  readonly name?: string;
  /** Description of the level for people. */
  readonly description?: string;
  /**
   * Id of a level in the catalog that has the same areas with other geometries. The new level shares its identifiers and
   * measures.
   * @default none
   */
  readonly sameAreasAs?: string;
}

export interface PublishOptions {
  /** Name of the dataset for people. */
  readonly name: string;
  /** Id of the dataset: lower-case letters, digits, `.`, `_` and `-`. @default derived from the name */
  readonly dataset?: string;
  /** Description of the dataset for people. */
  readonly description?: string;
  /** Source of the data. */
  readonly source?: string;
  /** Licence of the data, such as `CC0`. */
  readonly license?: string;
  /** Version of the data. */
  readonly version?: string;
  /** Subsection of the catalog, such as `Health`. */
  readonly subsection?: string;
  /** Timespan of the data: `2024`, or `2011 - 2015`. */
  readonly timespan: string;
  /** Names of the regions in which `cc.dataDiscovery` finds the dataset. */
  readonly region?: string | readonly string[];
  /** The boundary level of the data. */
  readonly boundary: PublishedBoundary;
  /** Name of the column of polygons, to publish the level itself. @default none: `boundary.id` must be in the catalog */
  readonly geometry?: string;
  /** The measures, which are columns of the table. @default none */
  readonly measures?: readonly PublishedMeasure[];
  /** Cancels the request. */
  readonly signal?: AbortSignal;
}

/** @throws InvalidArgumentError if an option is missing, misspelt or of the wrong type */
export function checkPublication(options: PublishOptions): void {
  checkOptions("publish", options, OPTION_NAMES.PublishOptions);
  const { boundary, measures, geometry } = options;
  checkTexts("publish", options, ["name", "timespan"], ["region", "boundary", "measures", "signal"]);
  if (boundary === undefined)
    throw new InvalidArgumentError(
      'publish needs `boundary`, the areas that the rows describe, such as { id: "es.mine.district", idColumn: "code" }.',
    );
  checkOptions("boundary", boundary, OPTION_NAMES.PublishedBoundary);
  checkTexts("boundary", boundary, ["id", "idColumn"]);
  if (measures !== undefined && !Array.isArray(measures)) {
    throw new InvalidArgumentError(
      '`measures` must be a list, such as [{ column: "people", aggregate: "sum" }].',
    );
  }
  for (const measure of measures ?? []) {
    checkOptions("A measure", measure, OPTION_NAMES.PublishedMeasure);
    checkTexts("A measure", measure, ["column"], ["weight"]);
    if (measure.weight !== undefined && !(typeof measure.weight === "number" && measure.weight >= 0))
      throw new InvalidArgumentError("The `weight` of a measure must be a number of 0 or more.");
  }
  if (geometry === undefined && (measures ?? []).length === 0) {
    throw new InvalidArgumentError("Nothing to publish. Pass `measures`, `geometry`, or both.");
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
      throw new InvalidArgumentError(`${what} needs \`${name}\`.`);
  }
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || others.includes(name)) continue;
    if (typeof value !== "string" || value.trim() === "")
      throw new InvalidArgumentError(`\`${name}\` of ${what} must be a non-empty string.`);
  }
}

/** Returns the id of the dataset, derived from its name if none is given. */
export function datasetOf({ dataset, name }: PublishOptions): string {
  if (dataset !== undefined) return dataset;
  const plain = name.normalize("NFKD").toLowerCase().replace(/\p{M}/gu, "");
  const id = plain
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "")
    .slice(0, 63);
  if (id !== "") return id;
  throw new InvalidArgumentError(
    `No id can be derived from the name ${JSON.stringify(name)}. Pass \`dataset\`, in lower-case letters and digits.`,
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
        `No region is named ${JSON.stringify(name)}. Available regions: ${listed(REGION_NAMES)}.`,
      );
    }),
  );
}

/**
 * Returns the description for OBS_Publish.
 * @param columnNamed maps the user's name of a column to its name in the table
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
