/** Habits of pandas and GeoPandas that fail on danfo's frames, and what to write here instead. */

const MAP = '`await cc.map({ layers: new Layer(df, { lnglat: ["lng", "lat"] }) })`';
const EXPORT = '`await cc.export(df, "places.geojson")`';
const ROWS = "`for (const row of toJSON(df))`, with `toJSON` of this package";
const SQL = 'in the database: `await cc.query("SELECT …")`';
const PLOT = `To show a frame, use ${MAP}, or a Vega-Lite chart with \`figure().at(0).chart(…)\`.`;
const postgis = (call: string) =>
  `PostGIS does this in the database: \`await cc.query("SELECT ${call} AS the_geom FROM places")\`.`;

/** By the name of the member that danfo does not have. */
const MEMBERS: Readonly<Record<string, string>> = {
  to_file: `To write a file, use ${EXPORT}; the extension says the format.`,
  to_parquet: `To write a file, use ${EXPORT}; the extension says the format.`,
  to_csv: 'To write a file, use `await cc.export(df, "places.csv")`; `toCSV(df)` returns the text.',
  to_json: "To get the rows, use `toJSON(df)`, with `toJSON` of this package.",
  to_dict: "To get the rows, use `toJSON(df)`, with `toJSON` of this package.",
  to_excel:
    'To write a workbook, use `toExcel(df, { filePath: "places.xlsx" })`, with `toExcel` of this package.',
  to_sql: 'To write a table, use `await cc.write(df, "places")`.',
  to_postgis: 'To write a table, use `await cc.write(df, "places")`.',
  to_carto: 'To write a table, use `await cc.write(df, "places")`.',
  to_crs: `Geometries are longitude and latitude (EPSG:4326). ${postgis("ST_Transform(the_geom, 3857)")}`,
  set_crs: `Geometries are longitude and latitude (EPSG:4326). ${postgis("ST_SetSRID(the_geom, 4326)")}`,
  crs: "Geometries are longitude and latitude (EPSG:4326).",
  plot: PLOT,
  hist: PLOT,
  explore: PLOT,
  buffer: postgis("ST_Buffer(the_geom::geography, 100)::geometry"),
  dissolve: postgis("ST_Union(the_geom)"),
  unary_union: postgis("ST_Union(the_geom)"),
  simplify: postgis("ST_Simplify(the_geom, 0.001)"),
  centroid: postgis("ST_Centroid(the_geom)"),
  total_bounds: postgis("ST_Extent(the_geom)::geometry"),
  sjoin:
    'Join in the database: `await cc.query("SELECT … FROM a JOIN b ON ST_Intersects(a.the_geom, b.the_geom)")`.',
  merge:
    'To join frames, use `merge({ left: df, right: other, on: ["id"], how: "left" })`, with `merge` of this package.',
  join: 'To join frames, use `merge({ left: df, right: other, on: ["id"], how: "left" })`, with `merge` of this package.',
  append: "To append rows, use `concat({ dfList: [df, other], axis: 0 })`, with `concat` of this package.",
  assign: 'To add a column, use `df.addColumn("name", values)`, which returns a new frame.',
  insert: 'To add a column, use `df.addColumn("name", values)`, which returns a new frame.',
  sort_values: 'To sort, use `df.sortValues("column", { ascending: false })`.',
  reset_index: "To number the rows again, use `df.resetIndex()`.",
  set_index: 'To set the index, use `df.setIndex({ column: "id" })`.',
  dropna: "To drop rows with missing values, use `df.dropNa()`.",
  fillna: "To fill missing values, use `df.fillNa(0)`.",
  isna: "To find missing values, use `df.isNa()`.",
  isnull: "To find missing values, use `df.isNa()`.",
  astype: 'To change the type, use `df.asType("column", "float32")`, or `.asType("float32")` of a column.',
  drop_duplicates: 'To drop duplicates of a column, use `df["column"].dropDuplicates()`.',
  value_counts: 'To count values, use `df["column"].valueCounts()`.',
  nunique: "To count distinct values, use `df.nUnique()`.",
  tolist: "To get the values as an array, use `.values`.",
  isin: "To test values, use `.map((value) => list.includes(value))`.",
  iterrows: `To go through the rows, use ${ROWS}.`,
  itertuples: `To go through the rows, use ${ROWS}.`,
  forEach: `To go through the rows, use ${ROWS}.`,
  map: `To go through the rows, use ${ROWS}; a column has \`.map((value) => …)\`.`,
  filter: 'To select rows, use `df.query(df["column"].gt(1))`.',
  info: "To see columns and types, use `df.ctypes`.",
  pivot_table: `A frame has no pivot table. Compute it ${SQL}.`,
  pivot: `A frame has no pivot table. Compute it ${SQL}.`,
  melt: `A frame cannot be melted. Do it ${SQL}.`,
  corr: `A frame has no correlation. Compute it ${SQL} with corr(a, b).`,
  true: 'To select rows, use `df.query(df["column"].gt(1))`, with `eq`, `lt`, `and`, … for other conditions.',
  false:
    'To select rows, use `df.query(df["column"].gt(1))`, with `eq`, `lt`, `and`, … for other conditions.',
};

/** By the message of danfo's own error. */
const MESSAGES: readonly (readonly [RegExp, string])[] = [
  [
    /data type does not support (\w+) operation/,
    'The column is text. Convert it first: `df["column"].asType("float32").$1()`.',
  ],
  [/Not supported in NodeJS/, PLOT],
  [/^col\.map is not a function$/, '`groupby` takes a list: `df.groupby(["column"])`.'],
  [/Must specify one of columns or index/, 'To drop columns, use `df.drop({ columns: ["column"] })`.'],
  [/rows parameter must be an Array/, 'A condition is made of columns: `df.query(df["column"].gt(1))`.'],
  [
    /\.str\.\w+ is not a function$/,
    "`.str` has the names of JavaScript: `.str.toUpperCase()`, `.str.includes(text)`.",
  ],
];

/** Returns what to write instead of a member that a frame or a column does not have. */
export function memberHabit(name: string): string | undefined {
  if (Object.hasOwn(MEMBERS, name)) return MEMBERS[name];
  return name.includes(",")
    ? `To select columns, use \`df.loc({ columns: ${JSON.stringify(name.split(","))} })\`.`
    : undefined;
}

/** Returns what to write instead of the call that failed; undefined for an error that no habit explains. */
export function habitHint(error: unknown, missedMember: string | undefined): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const [, called] = /(\w+) is not a function\b/.exec(error.message) ?? [];
  if (called !== undefined && called === missedMember) return memberHabit(called);
  for (const [pattern, hint] of MESSAGES) {
    const found = pattern.exec(error.message);
    if (found) return hint.replace("$1", found[1] ?? "");
  }
  return undefined;
}
