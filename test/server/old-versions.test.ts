import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { functionsSql } from "../../src/server/sql/functions";

const SRC = join(__dirname, "../../src");

/** Runs on the embedded database alone, whose version we choose. */
const EMBEDDED_ONLY = /^server\/(sql\/roles|engine\/pglite|engine\/data-dir|key-grants)/;

/** A user's database may be PostgreSQL 13 with PostGIS 3.0; what came later, by the release notes. */
const LATER_FUNCTIONS = {
  "PostgreSQL 14":
    "date_bin string_to_table bit_count range_agg range_intersect_agg trim_array unistr multirange jsonb_path_exists_opr pg_get_wal_replay_pause_state",
  "PostgreSQL 15":
    "regexp_count regexp_instr regexp_like regexp_substr has_parameter_privilege pg_ls_logicalsnapdir unnest_multirange",
  "PostgreSQL 16":
    "any_value array_sample array_shuffle random_normal erf erfc json_array json_object_agg_strict json_arrayagg json_objectagg pg_input_is_valid pg_input_error_info date_add date_subtract system_user",
  "PostgreSQL 17 and 18":
    "json_table json_exists json_query json_value json_scalar json_serialize to_bin to_oct unicode_version uuidv4 uuidv7 array_reverse array_sort casefold crc32",
  "PostGIS 3.1":
    "ST_HexagonGrid ST_Hexagon ST_SquareGrid ST_Square ST_MaximumInscribedCircle ST_ReducePrecision",
  "PostGIS 3.2 and 3.3":
    "ST_AsFlatGeobuf ST_FromFlatGeobuf ST_FromFlatGeobufToTable ST_InterpolateRaster ST_Letters ST_SimplifyPolygonHull ST_TriangulatePolygon ST_AsMARC21 ST_GeomFromMARC21 ST_Scroll ST_DumpSegments",
  "PostGIS 3.4 and later":
    "ST_LineExtend ST_LargestEmptyCircle ST_CoverageUnion ST_CoverageSimplify ST_CoverageInvalidEdges ST_ClusterIntersectingWin ST_ClusterWithinWin ST_CurveN ST_NumCurves ST_RemoveIrrelevantPointsForView ST_RemoveSmallParts ST_HasZ ST_HasM ST_CoverageClean",
};
const LATER_SYNTAX = [
  /\bCREATE\s+OR\s+REPLACE\s+TRIGGER\b/i, // 14
  /\bBEGIN\s+ATOMIC\b/i, // 14
  /\bpg_database_owner\b/i, // 14
  /\bpg_(read|write)_all_data\b/i, // 14
  /\bMERGE\s+INTO\b/i, // 15
  /\bNULLS\s+(NOT\s+)?DISTINCT\b/i, // 15
  /\bsecurity_invoker\b/i, // 15
  /\)\s+IS\s+(NOT\s+)?JSON\b/i, // 16
  /\b(INHERIT|SET)\s+(TRUE|FALSE)\b(?=.*;)/, // 16, of GRANT
  /\bHEADER\s+MATCH\b/i, // 15
  /\bST_(TileEnvelope|ConcaveHull|MakeValid|Intersection|Union|Difference)\([^()]*(margin|gridsize|allow_holes|params)\s*=>/i,
];

function laterIn(text: string): string[] {
  const functions = Object.entries(LATER_FUNCTIONS).flatMap(([version, names]) =>
    names
      .split(" ")
      .filter((name) => new RegExp(`\\b${name}\\s*\\(`, "i").test(text))
      .map((name) => `${name} is of ${version}`),
  );
  return [...functions, ...LATER_SYNTAX.filter((syntax) => syntax.test(text)).map(String)];
}

/** Source without its comments, which may name anything. */
const code = (text: string) => text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)(\/\/|--) .*$/gm, "");

const files = ["server", "context", "api", "frame"].flatMap((folder) =>
  readdirSync(join(SRC, folder), { recursive: true, encoding: "utf8" })
    .map((name) => `${folder}/${name}`)
    .filter((name) => /\.(ts|sql)$/.test(name) && !EMBEDDED_ONLY.test(name)),
);

test("the list detects newer features", () => {
  expect(laterIn("CREATE OR REPLACE TRIGGER t")).toHaveLength(1);
  expect(laterIn("SELECT st_hexagon (1), date_bin('1 day', a, b)")).toHaveLength(2);
  expect(laterIn("GRANT a TO b WITH ADMIN OPTION, INHERIT FALSE, SET FALSE;")).toHaveLength(1);
  expect(files.length).toBeGreaterThan(100);
  expect(files).toContain("server/sql/cartodbfy.sql");
  expect(code(functionsSql())).toContain("CREATE TRIGGER");
});

test("installed functions", () => expect(laterIn(code(functionsSql()))).toEqual([]));

test.each(files)("%s sends no SQL that PostgreSQL 13 or PostGIS 3.0 lacks", (file) => {
  expect(laterIn(code(readFileSync(join(SRC, file), "utf8")))).toEqual([]);
});
