/** The starter catalog: measures packed by `scripts/observatory.ts`, for the boundaries of the gazetteer. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliDecompress } from "node:zlib";
import type { Feature, MultiPolygon, Polygon } from "geojson";
import { feature, merge } from "topojson-client";
import type { Topology } from "topojson-specification";
import type { PublishedMeasure } from "../../api/schemas/observatory";
import { DIST } from "../../built";
import { SRID_LNGLAT } from "../../geo";
import { shapeOf } from "../../geometry/shape";
import { ident, literal } from "../../sql";
import { type Gazetteer, members, readGazetteer, unwrapped } from "../imports/gazetteer";
import { encodeGeometry, promoted } from "../imports/geometry";
import { CATALOG_SCHEMA, OBSERVATORY_MARK, observatoryPath } from "./observatory-sql";

/** An area of a topology, or several dissolved into one. `members` are indexes in the object of the topology. */
export type StarterArea = readonly [geoid: string, name: string, members: readonly number[]];

/** Values computed from boundaries at build time, to save time at installation. */
interface PreparedAreas {
  /** Area in which the level has boundaries, in hexadecimal EWKB, as the footprints are. */
  readonly coverage: string;
  /** Values for each area, in the order of the list. */
  readonly areas: readonly (readonly [isPlain: boolean, footprint: string, deg2: number, km2: number])[];
}

export interface StarterPublication {
  readonly timespan: string;
  readonly boundary: {
    readonly id: string;
    readonly name?: string;
    readonly description?: string;
    readonly weight?: number;
    /** Id of a level that has the same areas with other geometries. */
    readonly same_areas_as?: string;
  };
  /** The boundaries, if they are part of the publication. */
  readonly areas?: {
    readonly object: "countries" | "states" | "counties" | typeof UNCLIPPED_STATES;
    readonly list: readonly StarterArea[];
    readonly prepared?: PreparedAreas;
  };
  readonly measures: readonly PublishedMeasure[];
  /** Names of the measures' columns and their types. */
  readonly columns: readonly (readonly [name: string, type: "float8" | "text"])[];
  /** The identifier of each area, followed by the values of the columns. */
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

/** Object of the topology of states that include their parts of lakes and sounds, which are not in the gazetteer. */
export const UNCLIPPED_STATES = "unclipped_states";

/** Contents of the packed file. */
export interface StarterCatalog {
  readonly version: 1;
  /** Topology with the object `unclipped_states`. */
  readonly unclipped: Topology;
  readonly datasets: readonly StarterDataset[];
}

const STARTER_FILE = "observatory.json.br";

/** Comment on the catalog's schema that says that the starter catalog has been installed, even if it was removed later. */
const STARTER_MARK = `${OBSERVATORY_MARK}with starter catalog`;

export async function readStarter(file = join(DIST, STARTER_FILE)): Promise<StarterCatalog> {
  return JSON.parse(
    (await promisify(brotliDecompress)(await readFile(file))).toString("utf8"),
  ) as StarterCatalog;
}

/** Returns the statements that publish the datasets of the starter catalog, or of a part of it. For `inTransaction`. */
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

/**
 * Returns a function that reads the rows of a publication. If it has boundaries, the identifier is followed by the name, the
 * geometry and the prepared values.
 */
export function areaReader({ countries, counties }: Gazetteer, unclipped: Topology): AreaReader {
  const topologies = { countries, counties, states: counties, [UNCLIPPED_STATES]: unclipped };
  return ({ areas, rows }) => {
    if (!areas) return rows;
    const topology = topologies[areas.object];
    const objects = members(topology, areas.object);
    const values = new Map(rows.map(([geoid, ...rest]) => [geoid, rest]));
    return areas.list.map(([geoid, name, indexes], at) => {
      const parts = indexes.flatMap((at) => objects[at] ?? []);
      const [single, ...others] = parts;
      const area =
        single && others.length === 0
          ? (feature(topology, single) as Feature<Polygon | MultiPolygon>).geometry
          : merge(topology, parts as Parameters<typeof merge>[1]);
      const { hex } = encodeGeometry(promoted(shapeOf(unwrapped(area))), SRID_LNGLAT);
      return [geoid, name, hex, ...(areas.prepared?.areas[at] ?? []), ...(values.get(geoid) ?? [])];
    });
  };
}
