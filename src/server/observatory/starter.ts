/** The starter catalog: measures that `scripts/observatory.ts` packs, on the boundaries of the gazetteer. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliDecompress } from "node:zlib";
import type { Feature, MultiPolygon, Polygon } from "geojson";
import { feature, merge } from "topojson-client";
import type { Topology } from "topojson-specification";
import { DIST } from "../../built";
import { shapeOf } from "../../frame/shape";
import { SRID_LNGLAT } from "../../geo";
import { ident, literal } from "../../sql";
import { type Gazetteer, members, readGazetteer, unwrapped } from "../imports/gazetteer";
import { encodeGeometry, promoted } from "../imports/geometry";
import { CATALOG_SCHEMA, OBSERVATORY_MARK, observatoryPath } from "./observatory-sql";

/** What `OBS_Publish` takes of a measure; docs/observatory.md describes it. */
export interface PublishedMeasure {
  readonly column: string;
  readonly id?: string;
  readonly name?: string;
  readonly description?: string;
  readonly unit?: string;
  /** Absent: it can be looked up, not summed over areas. */
  readonly aggregate?: "sum" | "median" | "average" | "quantile" | "mode";
  /** A column among the measures, or an id of the catalog: what it is a part of. */
  readonly denominator?: string;
  /** The same: what it is an average over. */
  readonly universe?: string;
  readonly subsection?: string;
  readonly source?: string;
  readonly license?: string;
  /** 0 hides it from discovery. */
  readonly weight?: number;
}

/** An area of a topology, or one dissolved from several: their places in the topology's object. */
export type StarterArea = readonly [geoid: string, name: string, members: readonly number[]];

/** What is computed of boundaries, so that it need not be where they are installed. */
export interface PreparedAreas {
  /** Where the level has any, in hexadecimal EWKB as the footprints are. */
  readonly coverage: string;
  /** Of each area, in the order of the list. */
  readonly areas: readonly (readonly [isPlain: boolean, footprint: string, deg2: number, km2: number])[];
}

export interface StarterPublication {
  readonly timespan: string;
  readonly boundary: {
    readonly id: string;
    readonly name?: string;
    readonly description?: string;
    readonly weight?: number;
    /** Another level, whose areas these are, drawn otherwise. */
    readonly same_areas_as?: string;
  };
  /** Only where the publication brings the boundaries. */
  readonly areas?: {
    readonly object: "countries" | "states" | "counties" | typeof UNCLIPPED_STATES;
    readonly list: readonly StarterArea[];
    readonly prepared?: PreparedAreas;
  };
  readonly measures: readonly PublishedMeasure[];
  /** Names of the measures' columns and their types. */
  readonly columns: readonly (readonly [name: string, type: "float8" | "text"])[];
  /** Identifier first, then the columns' values. */
  readonly rows: readonly (readonly (string | number | null)[])[];
}

export interface StarterDataset {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly source: string;
  readonly license: string;
  readonly version: string;
  /** Names by tag. */
  readonly sections: Readonly<Record<string, string>>;
  readonly publications: readonly StarterPublication[];
}

/** States with their parts of lakes and sounds, which the gazetteer does not have. */
export const UNCLIPPED_STATES = "unclipped_states";

/** What the file holds. */
export interface StarterCatalog {
  readonly version: 1;
  /** With the object `unclipped_states`. */
  readonly unclipped: Topology;
  readonly datasets: readonly StarterDataset[];
}

export const STARTER_FILE = "observatory.json.br";

/** The comment on the catalog's schema once the starter catalog has been there, removed again or not. */
export const STARTER_MARK = `${OBSERVATORY_MARK}with starter catalog`;

export async function readStarter(file = join(DIST, STARTER_FILE)): Promise<StarterCatalog> {
  return JSON.parse(
    (await promisify(brotliDecompress)(await readFile(file))).toString("utf8"),
  ) as StarterCatalog;
}

/** Publishes the datasets of the starter catalog, or of a part of it. For `inTransaction`. */
export async function starterSql(
  { datasets, unclipped }: StarterCatalog,
  postgisSchema: string,
): Promise<string> {
  const areas = areaReader(await readGazetteer(), unclipped);
  const statements = datasets.flatMap((dataset) =>
    dataset.publications.flatMap((publication) => publishSql(dataset, publication, areas)),
  );
  return `SET LOCAL search_path = ${observatoryPath(postgisSchema)};
${statements.join(";\n")};
SELECT _obs_refresh();
COMMENT ON SCHEMA ${CATALOG_SCHEMA} IS ${literal(STARTER_MARK)}`;
}

/** Columns with the values that `OBS_Publish` would otherwise compute from each boundary; `_obs_publish` reads them. */
const PREPARED_COLUMNS = [
  ["prepared_is_plain", "boolean"],
  ["prepared_footprint", "geometry"],
  ["prepared_deg2", "float8"],
  ["prepared_km2", "float8"],
] as const;

const STAGING = `${CATALOG_SCHEMA}.starter_staging`;

type Row = readonly (string | number | boolean | null)[];
type AreaReader = (publication: StarterPublication) => readonly Row[];

function publishSql(
  { id, name, description, source, license, version, sections }: StarterDataset,
  publication: StarterPublication,
  areas: AreaReader,
): string[] {
  const { timespan, boundary, measures } = publication;
  const prepared = publication.areas?.prepared;
  const columns = [
    ["starter_id", "text"],
    ...(publication.areas
      ? [["starter_name", "text"] as const, ["starter_geometry", "geometry"] as const]
      : []),
    ...(prepared ? PREPARED_COLUMNS : []),
    ...publication.columns,
  ] as const;
  const given = {
    dataset: id,
    name,
    description,
    source,
    license,
    version,
    sections,
    timespan,
    boundary: {
      ...boundary,
      id_column: "starter_id",
      ...(publication.areas && { name_column: "starter_name", geometry_column: "starter_geometry" }),
    },
    measures,
    ...(prepared && { prepared: { coverage: prepared.coverage } }),
  };
  const fields = columns.map(([, type], at) => (type === "text" ? `r->>${at}` : `(r->>${at})::${type}`));
  return [
    `DROP TABLE IF EXISTS ${STAGING}`,
    `CREATE TABLE ${STAGING} (${columns.map(([column, type]) => `${ident(column)} ${type}`).join(", ")})`,
    `INSERT INTO ${STAGING} SELECT ${fields.join(", ")} FROM json_array_elements(${literal(JSON.stringify(areas(publication)))}) r`,
    `SELECT _obs_publish(${literal(STAGING)}, ${literal(JSON.stringify(given))})`,
    `DROP TABLE ${STAGING}`,
  ];
}

/** Rows of a publication; where it brings boundaries, name, geometry and what is prepared come behind the identifier. */
export function areaReader({ countries, counties }: Gazetteer, unclipped: Topology): AreaReader {
  const topologies = { countries, counties, states: counties, [UNCLIPPED_STATES]: unclipped };
  return ({ areas, rows }) => {
    if (!areas) return rows;
    const topology = topologies[areas.object];
    const objects = members(topology, areas.object);
    const values = new Map(rows.map(([geoid, ...rest]) => [geoid, rest]));
    return areas.list.map(([geoid, name, indexes], at) => {
      const parts = indexes.map((at) => objects[at]!);
      const area =
        parts.length === 1
          ? (feature(topology, parts[0]!) as Feature<Polygon | MultiPolygon>).geometry
          : merge(topology, parts as Parameters<typeof merge>[1]);
      const { hex } = encodeGeometry(promoted(shapeOf(unwrapped(area))), SRID_LNGLAT);
      return [geoid, name, hex, ...(areas.prepared?.areas[at] ?? []), ...(values.get(geoid) ?? [])];
    });
  };
}
