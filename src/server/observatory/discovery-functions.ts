/** OBS_GetAvailable*, OBS_GetMeta and OBS_MetadataValidation: what the catalog has for a place. */

/** What everything asked for has in common: its tags, and where there is any of it. */
const matches = (prefix: string) => `
  ($1 IS NULL OR ST_Intersects(_obs_bounds($1), m.the_geom))
    AND (coalesce(cardinality($2), 0) = 0 OR m.${prefix}_tags ?& $2)`;

/** Whether an id that was passed belongs to the row: a flag, not a filter; NULL where there is no list at all. */
const flag = (list: string, parameter: string) =>
  `CASE WHEN m.${list} IS NOT NULL THEN coalesce(${parameter} = ANY (m.${list}), false) END`;

interface Kind {
  readonly name: string;
  readonly prefix: string;
  readonly table: string;
  /** The arguments after the tags, with the lists that they are looked up in. */
  readonly others: readonly (readonly [argument: string, list: string, flag: string])[];
}

const KINDS: readonly Kind[] = [
  {
    name: "Numerators",
    prefix: "numer",
    table: "obs_meta_numer",
    others: [
      ["denom_id", "denoms", "valid_denom"],
      ["geom_id", "geoms", "valid_geom"],
      ["timespan", "timespans", "valid_timespan"],
    ],
  },
  {
    name: "Denominators",
    prefix: "denom",
    table: "obs_meta_denom",
    others: [
      ["numer_id", "numers", "valid_numer"],
      ["geom_id", "geoms", "valid_geom"],
      ["timespan", "timespans", "valid_timespan"],
    ],
  },
  {
    name: "Timespans",
    prefix: "timespan",
    table: "obs_meta_timespan",
    others: [
      ["numer_id", "numers", "valid_numer"],
      ["denom_id", "denoms", "valid_denom"],
      ["geom_id", "geoms", "valid_geom"],
    ],
  },
];

/** CARTO's order of columns is not the same for all. */
function columnsOf({ prefix }: Kind): readonly (readonly [name: string, type: string, source: string])[] {
  const column = (name: string, type: string, source = `m.${prefix}_${name}`) =>
    [`${prefix}_${name}`, type, source] as const;
  const license = [column("license", "text", "NULL::text"), column("source", "text", "NULL::text")];
  const head = [
    column("id", "text"),
    column("name", "text"),
    column("description", "text"),
    column("weight", "numeric"),
  ];
  const tail = [column("extra", "jsonb"), column("tags", "jsonb")];
  const [type, aggregate] = [column("type", "text"), column("aggregate", "text")];
  if (prefix === "timespan") return [...head, aggregate, ...license, type, ...tail];
  return [...head, ...license, type, aggregate, ...tail];
}

function availableSql(kind: Kind): string {
  const columns = columnsOf(kind);
  const flags = kind.others.map(([, list, name], at) => [name, flag(list, `$${at + 3}`)] as const);
  return `
CREATE OR REPLACE FUNCTION OBS_GetAvailable${kind.name}(
  bounds geometry DEFAULT NULL, filter_tags text[] DEFAULT NULL,
  ${kind.others.map(([argument]) => `${argument} text DEFAULT NULL`).join(", ")}
) RETURNS TABLE (
  ${[...columns.map(([name, type]) => `${name} ${type}`), ...flags.map(([name]) => `${name} boolean`)].join(", ")}
) LANGUAGE sql STABLE AS $$
  SELECT ${[...columns.map(([, , source]) => source), ...flags.map(([, source]) => source)].join(", ")}
  FROM ${kind.table} m WHERE ${matches(kind.prefix)} ORDER BY m.${kind.prefix}_id
$$;`;
}

export const discoverySql = `
${KINDS.map(availableSql).join("\n")}

-- The score of geometry levels: how near their number of boundaries in the bounds comes to the one wanted, times the
-- part of the bounds that they fill. A boundary that the bounds cut counts by its part inside.
CREATE OR REPLACE FUNCTION _obs_scores(bounds geometry, geom_ids text[], desired numeric, target_area numeric)
RETURNS TABLE (geom_id text, score numeric, numtiles bigint, numgeoms numeric, percentfill numeric)
LANGUAGE plpgsql STABLE AS $$
DECLARE
  -- Once, not once a boundary.
  place CONSTANT geometry := _obs_bounds(bounds);
  place_deg2 CONSTANT float8 := ST_Area(place);
  wanted CONSTANT numeric := coalesce(desired, 3000);
  scale CONSTANT float8 := CASE WHEN coalesce(target_area, 0) > 0 THEN target_area / nullif(place_deg2, 0) ELSE 1 END;
BEGIN
  RETURN QUERY
  SELECT c.id,
    (CASE WHEN target_area = 0 THEN c.boundaries
      ELSE 100 / (1 + abs(log(0.0001 + wanted) - log((0.0001 + c.boundaries * scale)::numeric))) * c.fill END)::numeric,
    c.touched, (c.boundaries * scale)::numeric, c.fill::numeric
  FROM (
    -- Rounded: the last digits of a sum depend on its order, and equal questions have equal answers.
    SELECT g.id, count(*) AS touched, round(sum(part.inside)::numeric, 9)::float8 AS boundaries,
      round(least(1, sum(b.deg2 * part.inside) / nullif(place_deg2, 0))::numeric, 12)::float8 AS fill
    FROM obs_geometry g
    JOIN obs_boundary b ON b.tablename = g.tablename AND b.footprint && place AND ST_Intersects(place, b.footprint)
    CROSS JOIN LATERAL (
      SELECT CASE WHEN ST_Covers(place, b.footprint) THEN 1
        ELSE ST_Area(ST_Intersection(place, b.footprint)) / nullif(ST_Area(b.footprint), 0) END AS inside
    ) part
    WHERE geom_ids IS NULL OR g.id = ANY (geom_ids)
    GROUP BY g.id
  ) c
  WHERE c.boundaries > 0;
END
$$;

CREATE OR REPLACE FUNCTION OBS_GetAvailableGeometries(
  bounds geometry DEFAULT NULL, filter_tags text[] DEFAULT NULL, numer_id text DEFAULT NULL,
  denom_id text DEFAULT NULL, timespan text DEFAULT NULL, number_geoms int DEFAULT NULL
) RETURNS TABLE (
  geom_id text, geom_name text, geom_description text, geom_weight numeric, geom_aggregate text, geom_license text,
  geom_source text, geom_type text, geom_extra jsonb, geom_tags jsonb, valid_numer boolean, valid_denom boolean,
  valid_timespan boolean, score numeric, numtiles bigint, notnull_percent numeric, numgeoms numeric,
  percentfill numeric, estnumgeoms numeric, meanmediansize numeric
) LANGUAGE sql STABLE AS $$
  SELECT m.geom_id, m.geom_name, m.geom_description, m.geom_weight, m.geom_aggregate, NULL::text, NULL::text,
    m.geom_type, m.geom_extra, m.geom_tags, ${flag("numers", "$3")}, ${flag("denoms", "$4")},
    coalesce($5 = ANY (m.geom_timespans), false) OR coalesce(CASE
      WHEN $3 IS NULL THEN $5 = ANY (m.timespans)
      ELSE EXISTS (SELECT FROM obs_meta_geom_numer_timespan t
        WHERE t.geom_id = m.geom_id AND t.numer_id = $3 AND $5 = ANY (t.timespans)) END, false),
    s.score, s.numtiles, NULL::numeric, s.numgeoms, s.percentfill, NULL::numeric, NULL::numeric
  FROM obs_meta_geom m
  JOIN _obs_scores($1, NULL, $6, NULL) s ON s.geom_id = m.geom_id
  WHERE coalesce(cardinality($2), 0) = 0 OR m.geom_tags ?& $2
  ORDER BY s.score DESC, m.geom_id
$$;

CREATE OR REPLACE FUNCTION OBS_GetAvailableBoundaries(geom geometry, timespan text DEFAULT NULL)
RETURNS TABLE (boundary_id text, description text, time_span text, tablename text)
LANGUAGE sql STABLE AS $$
  SELECT g.id, g.description, g.timespan, g.tablename FROM obs_geometry g
  WHERE ST_Intersects(_obs_bounds($1), g.the_geom) ORDER BY g.id
$$;

CREATE OR REPLACE FUNCTION OBS_LegacyBuilderMetadata(aggregate_type text DEFAULT NULL)
RETURNS TABLE (name text, subsection jsonb) LANGUAGE sql STABLE AS $$
  WITH measures AS (
    SELECT m.numer_id, m.numer_name, section.key AS section, section.value #>> '{}' AS section_name,
      subsection.key AS subsection, subsection.value #>> '{}' AS subsection_name
    FROM obs_meta_numer m
    JOIN LATERAL jsonb_each(m.numer_tags) section ON section.key LIKE 'section/%'
    JOIN LATERAL jsonb_each(m.numer_tags) subsection ON subsection.key LIKE 'subsection/%'
    WHERE m.numer_weight > 0 AND (aggregate_type IS NULL OR m.numer_aggregate = aggregate_type
      OR aggregate_type = 'sum' AND m.numer_aggregate IN ('sum', 'median', 'average'))
  ), subsections AS (
    SELECT section, section_name, subsection, subsection_name, jsonb_agg(
      jsonb_build_object('f1', jsonb_build_object('id', numer_id, 'name', numer_name)) ORDER BY numer_name, numer_id
    ) AS columns
    FROM measures GROUP BY 1, 2, 3, 4
  )
  SELECT split_part(section, '/', 2), jsonb_agg(jsonb_build_object('f1', jsonb_build_object(
    'name', subsection_name, 'id', split_part(subsection, '/', 2), 'columns', columns)) ORDER BY subsection_name)
  FROM subsections GROUP BY section ORDER BY section
$$;

CREATE OR REPLACE FUNCTION OBS_Search(term text, relevant_boundary text DEFAULT NULL)
RETURNS TABLE (id text, description text, name text, aggregate text, source text) LANGUAGE sql STABLE AS $$
  SELECT m.numer_id, m.numer_description, m.numer_name, m.numer_aggregate, NULL::text
  FROM obs_meta_numer m
  WHERE (strpos(lower(m.numer_name), lower($1)) > 0 OR strpos(lower(m.numer_description), lower($1)) > 0)
    AND (coalesce($2, '') = '' OR $2 = ANY (m.geoms))
  ORDER BY m.numer_id
$$;

CREATE OR REPLACE FUNCTION OBS_DumpVersion() RETURNS text LANGUAGE sql STABLE AS $$
  SELECT max(dump_id) FROM obs_dump_version
$$;

CREATE OR REPLACE FUNCTION _obs_suggested_name(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT btrim(regexp_replace(lower($1), '[^a-z0-9]+', '_', 'g'), '_')
$$;

CREATE OR REPLACE FUNCTION OBS_GetMeta(
  geom geometry, params json, num_timespan_options int DEFAULT 1, num_score_options int DEFAULT 1,
  target_geoms int DEFAULT NULL
) RETURNS json LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
  place CONSTANT geometry := _obs_bounds(geom);
  wanted CONSTANT numeric := target_geoms;
  timespan_options CONSTANT int := coalesce(num_timespan_options, 1);
  score_options CONSTANT int := coalesce(num_score_options, 1);
  is_single boolean;
  found json;
BEGIN
  IF params IS NULL OR json_array_length(params) = 0 THEN
    RETURN NULL;
  END IF;
  is_single := json_array_length(params) = 1;
  IF is_single AND coalesce(params->0->>'numer_id', '') = '' AND coalesce(params->0->>'geom_id', '') = '' THEN
    RAISE EXCEPTION 'Must pass either numer_id or geom_id to every key in GetMeta';
  END IF;
  WITH asked AS MATERIALIZED (
    SELECT e.ordinality AS id, nullif(p->>'numer_id', '') AS numer_id, nullif(p->>'denom_id', '') AS denom_id,
      nullif(p->>'geom_id', '') AS geom_id, nullif(p->>'numer_timespan', '') AS numer_timespan,
      nullif(p->>'geom_timespan', '') AS geom_timespan, nullif(p->>'normalization', '') AS normalization,
      nullif(p->>'max_timespan_rank', '')::numeric AS max_timespan_rank,
      nullif(p->>'max_score_rank', '')::numeric AS max_score_rank,
      nullif(p->>'target_geoms', '')::numeric AS target_geoms, nullif(p->>'target_area', '')::numeric AS target_area
    FROM json_array_elements(params) WITH ORDINALITY AS e(p, ordinality)
  ), matching AS MATERIALIZED (
    SELECT a.id, m.numer_id, m.denom_id, m.geom_id, m.numer_timespan, m.geom_timespan,
      m.numer_aggregate, m.numer_colname, m.numer_geomref_colname, m.numer_tablename, m.numer_type,
      m.numer_description, m.numer_t_description, m.numer_name, m.denom_aggregate, m.denom_colname,
      m.denom_geomref_colname, m.denom_tablename, m.denom_type, m.denom_reltype, m.denom_description,
      m.denom_t_description, m.denom_name, m.geom_colname, m.geom_geomref_colname, m.geom_tablename, m.geom_type,
      m.geom_description, m.geom_t_description, m.geom_name
    FROM asked a
    JOIN obs_meta m ON m.numer_id = a.numer_id
      AND m.denom_id IS NOT DISTINCT FROM coalesce(a.denom_id, m.denom_id)
      AND m.geom_id = coalesce(a.geom_id, m.geom_id)
      AND m.numer_timespan = coalesce(a.numer_timespan, m.numer_timespan)
      AND m.geom_timespan = coalesce(a.geom_timespan, m.geom_timespan)
      -- Of several drawings of the same areas, the first published is meant, unless another is named.
      AND (a.geom_id IS NOT NULL OR m.geom_extra->>'same_areas_as' IS NULL)
    UNION ALL
    SELECT a.id, NULL, NULL, g.id, NULL, g.timespan, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
      NULL, NULL, NULL, NULL, NULL, NULL, g.colname, g.geomref_colname, g.tablename, g.type, g.description,
      g.t_description, g.name
    FROM asked a
    JOIN obs_geometry g ON g.id = a.geom_id AND g.timespan = coalesce(a.geom_timespan, g.timespan)
    WHERE a.numer_id IS NULL
  ), targets AS MATERIALIZED (
    SELECT t.desired, t.target_area, s.geom_id, s.score, s.numgeoms
    FROM (
      SELECT coalesce(a.target_geoms, wanted) AS desired, a.target_area, array_agg(DISTINCT m.geom_id) AS geom_ids
      FROM asked a JOIN matching m USING (id) GROUP BY 1, 2
    ) t
    CROSS JOIN LATERAL _obs_scores(place, t.geom_ids, t.desired, t.target_area) s
    WHERE NOT (is_single AND (SELECT numer_id IS NOT NULL AND geom_id IS NOT NULL FROM asked))
  ), scored AS (
    SELECT m.*, coalesce(t.score, 1) AS score, t.numgeoms AS num_geoms, a.max_timespan_rank, a.max_score_rank,
      CASE WHEN t.geom_id IS NOT NULL THEN a.target_geoms END AS target_geoms,
      CASE WHEN t.geom_id IS NOT NULL THEN a.target_area END AS target_area,
      CASE
        WHEN m.numer_id IS NULL OR lower(m.numer_type) <> 'numeric' THEN NULL
        WHEN a.normalization IS NOT NULL THEN a.normalization
        WHEN m.denom_reltype = 'denominator' THEN 'denominated'
        WHEN m.numer_aggregate = 'sum' THEN 'area'
        ELSE 'prenormalized'
      END AS normalization
    FROM matching m
    JOIN asked a USING (id)
    LEFT JOIN targets t ON t.geom_id = m.geom_id
      AND t.desired IS NOT DISTINCT FROM coalesce(a.target_geoms, wanted)
      AND t.target_area IS NOT DISTINCT FROM a.target_area
    WHERE t.geom_id IS NOT NULL OR is_single AND a.numer_id IS NOT NULL AND a.geom_id IS NOT NULL
  ), ranked AS (
    SELECT s.*,
      dense_rank() OVER (PARTITION BY id ORDER BY numer_timespan DESC) AS timespan_rank,
      dense_rank() OVER (PARTITION BY id ORDER BY score DESC) AS score_rank,
      row_number() OVER (PARTITION BY id, score ORDER BY numer_timespan DESC, denom_id, geom_id) AS timespan_rownum,
      row_number() OVER (PARTITION BY id, numer_timespan ORDER BY score DESC, denom_id, geom_id) AS score_rownum
    FROM scored s
  ), kept AS (
    SELECT id, numer_id, timespan_rank, score_rank, timespan_rownum, score_rownum, score,
      _obs_suggested_name(CASE
        WHEN numer_id IS NULL THEN concat_ws(' ', geom_name, geom_timespan)
        WHEN normalization ILIKE 'area%' THEN concat_ws(' ', numer_colname, 'per sq km', numer_timespan)
        WHEN normalization ILIKE 'denom%' THEN concat_ws(' ', numer_colname, numer_timespan, 'by', denom_colname)
        ELSE concat_ws(' ', numer_colname, numer_timespan)
      END) AS suggested_name,
      numer_aggregate, numer_colname, numer_geomref_colname, numer_tablename, numer_type, numer_description,
      numer_t_description, denom_aggregate, denom_colname, denom_geomref_colname, denom_tablename, denom_type,
      denom_reltype, denom_description, denom_t_description, geom_colname, geom_geomref_colname, geom_tablename,
      geom_type, geom_timespan, geom_description, geom_t_description, numer_timespan, numer_name, denom_name,
      geom_name, normalization, max_timespan_rank, max_score_rank, target_geoms, target_area, num_geoms, denom_id,
      geom_id
    FROM ranked
    WHERE (max_timespan_rank IS NULL OR timespan_rank <= max_timespan_rank)
      AND score_rank <= coalesce(max_score_rank, 1)
      AND timespan_rownum <= timespan_options AND score_rownum <= score_options
  )
  SELECT json_agg(row_to_json(k) ORDER BY id, score_rank, timespan_rank, denom_id, geom_id) INTO found FROM kept k;
  RETURN found;
END
$$;

CREATE OR REPLACE FUNCTION OBS_MetadataValidation(
  geometry_extent geometry, geometry_type text, params json, target_geoms int DEFAULT NULL,
  OUT valid boolean, OUT errors text[]
) LANGUAGE plpgsql STABLE AS $$
DECLARE
  entry json;
BEGIN
  errors := '{}';
  IF geometry_type IN ('ST_Polygon', 'ST_MultiPolygon') THEN
    FOR entry IN SELECT json_array_elements(OBS_GetMeta(geometry_extent, params, 1, 1, target_geoms)) LOOP
      IF lower(entry->>'normalization') = 'denominated' AND entry->>'denom_id' IS NULL THEN
        errors := errors || format('Normalizated measure should have a numerator and a denominator. Please review the provided options (%s).', entry->>'numer_id');
      END IF;
      IF entry->>'numer_id' IS NOT NULL AND entry->>'numer_aggregate' IS NULL THEN
        errors := errors || format('For polygon geometry, aggregation is mandatory. Please review the provided options (%s).', entry->>'numer_id');
      END IF;
      IF entry->>'numer_aggregate' IN ('median', 'average') THEN
        IF entry->>'denom_id' IS NULL THEN
          errors := errors || format('Median or average aggregation for polygons requires a denominator to provide weights (%s).', entry->>'numer_id');
        END IF;
        IF coalesce(entry->>'normalization', '') NOT ILIKE 'pre%' THEN
          errors := errors || format('Median or average aggregation only supports prenormalized normalization, %s passed (%s).', coalesce(entry->>'normalization', 'null'), entry->>'numer_id');
        END IF;
      END IF;
    END LOOP;
  END IF;
  valid := cardinality(errors) = 0;
END
$$;
`;
