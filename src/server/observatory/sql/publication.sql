-- Adding to the catalog and removing from it, which CARTO's own functions do not offer. OBS_Publish takes a table and a
-- description as JSON; see docs/observatory.md.

-- Lets one transaction at a time change the catalog. The number is "obs" in ASCII; inTransaction() takes the same lock.
CREATE OR REPLACE FUNCTION cdb_observatory._obs_lock() RETURNS void LANGUAGE sql AS $$
  SELECT pg_advisory_xact_lock(7299699)
$$;

CREATE OR REPLACE FUNCTION cdb_observatory._obs_refresh() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  ANALYZE obs_timespan, obs_column, obs_table, obs_column_table, obs_column_to_column, obs_tag, obs_column_tag,
    obs_boundary;
  REFRESH MATERIALIZED VIEW obs_geometry;
  REFRESH MATERIALIZED VIEW obs_meta;
  REFRESH MATERIALIZED VIEW obs_meta_numer;
  REFRESH MATERIALIZED VIEW obs_meta_denom;
  REFRESH MATERIALIZED VIEW obs_meta_geom;
  REFRESH MATERIALIZED VIEW obs_meta_timespan;
  REFRESH MATERIALIZED VIEW obs_meta_geom_numer_timespan;
END
$$;

CREATE OR REPLACE FUNCTION cdb_observatory._obs_refuse(message text, hint text DEFAULT NULL) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '%', message USING ERRCODE = 'invalid_parameter_value', HINT = coalesce(hint, '');
END
$$;

CREATE OR REPLACE FUNCTION cdb_observatory._obs_tag_column(column_id text, kind text, id text, name text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF coalesce(id, '') <> '' THEN
    INSERT INTO obs_tag (id, name, type) VALUES (id, coalesce(name, id), kind) ON CONFLICT DO NOTHING;
    INSERT INTO obs_column_tag VALUES (column_id, id) ON CONFLICT DO NOTHING;
  END IF;
END
$$;

-- Adds the tags of a column from its own description or that of the publication: {"sections": {"tags.united_states": "United States"}, "subsection": "Health", …}
CREATE OR REPLACE FUNCTION cdb_observatory._obs_tag_all(column_id text, what json, publication json) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  unit CONSTANT text := what->>'unit';
  subsection CONSTANT text := coalesce(what->>'subsection', publication->>'subsection');
  source CONSTANT text := coalesce(what->>'source', publication->>'source');
  license CONSTANT text := coalesce(what->>'license', publication->>'license');
BEGIN
  PERFORM _obs_tag_column(column_id, 'section', s.key, s.value)
  FROM json_each_text(coalesce(what->'sections', publication->'sections', '{}')) s;
  PERFORM _obs_tag_column(column_id, 'subsection', 'tags.' || _obs_suggested_name(subsection), subsection);
  PERFORM _obs_tag_column(column_id, 'unit', 'tags.unit_' || _obs_suggested_name(unit), unit);
  PERFORM _obs_tag_column(column_id, 'source', 'tags.source_' || left(md5(source), 8), source);
  PERFORM _obs_tag_column(column_id, 'license', 'tags.license_' || _obs_suggested_name(license), license);
END
$$;

-- Creates and registers a table of the catalog from a query. A table with the same id is replaced.
CREATE OR REPLACE FUNCTION cdb_observatory._obs_make_table(dataset text, table_id text, timespan text, description text, query text)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  name CONSTANT text := 'obs_' || left(encode(sha256(convert_to(table_id, 'UTF8')), 'hex'), 40);
BEGIN
  DELETE FROM obs_table t WHERE t.id = table_id;
  EXECUTE format('DROP TABLE IF EXISTS observatory.%I', name);
  EXECUTE format('CREATE TABLE observatory.%I AS %s', name, query);
  EXECUTE format('ALTER TABLE observatory.%I ADD PRIMARY KEY (geoid)', name);
  INSERT INTO obs_timespan (id, alias, name, weight, timespan)
  VALUES (timespan, timespan, timespan, 1, CASE
    WHEN timespan ~ '^\d{4}$' THEN daterange(make_date(timespan::int, 1, 1), make_date(timespan::int + 1, 1, 1))
    WHEN timespan ~ '^\d{4} - \d{4}$' AND left(timespan, 4) <= right(timespan, 4)
      THEN daterange(make_date(left(timespan, 4)::int, 1, 1), make_date(right(timespan, 4)::int + 1, 1, 1))
  END) ON CONFLICT DO NOTHING;
  INSERT INTO obs_table (id, tablename, timespan, description, version)
  VALUES (table_id, name, timespan, description, now()::date::text);
  INSERT INTO obs_dataset_table VALUES (dataset, table_id);
  RETURN name;
END
$$;

-- Roughly where a level has boundaries: their boxes on a grid of 200 cells along the longer side, which merges most.
CREATE OR REPLACE FUNCTION cdb_observatory._obs_coverage(boundary_table text) RETURNS geometry LANGUAGE sql STABLE AS $$
  WITH boxes AS MATERIALIZED (
    SELECT (ST_Dump(b.footprint)).geom AS box FROM obs_boundary b WHERE b.tablename = $1
  ), grid AS (
    SELECT nullif(greatest(ST_XMax(e) - ST_XMin(e), ST_YMax(e) - ST_YMin(e)), 0) / 200 AS step
    FROM (SELECT ST_Extent(box) AS e FROM boxes) extent
  )
  SELECT ST_Union(ST_MakeEnvelope(west, south, east, north, 4326)) FROM (
    SELECT DISTINCT greatest(-180, floor(ST_XMin(box) / step) * step) AS west,
      greatest(-90, floor(ST_YMin(box) / step) * step) AS south,
      least(180, ceil(ST_XMax(box) / step) * step) AS east, least(90, ceil(ST_YMax(box) / step) * step) AS north
    FROM boxes, grid
  ) cells
$$;

-- Registers a column. It belongs to the dataset that published it first.
CREATE OR REPLACE FUNCTION cdb_observatory._obs_note_column(dataset text, column_id text, type text, what json, weight numeric, publication json)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  owner text;
BEGIN
  SELECT dataset_id INTO owner FROM obs_dataset_column d WHERE d.column_id = _obs_note_column.column_id;
  IF owner <> dataset THEN
    PERFORM _obs_refuse(format('"%s" belongs to dataset "%s"', column_id, owner), 'Choose another id.');
  END IF;
  INSERT INTO obs_column (id, type, name, description, weight, aggregate, version, extra)
  VALUES (column_id, type, coalesce(what->>'name', column_id), what->>'description', weight,
    nullif(what->>'aggregate', ''), publication->>'version',
    json_strip_nulls(json_build_object('unit', what->>'unit', 'dataset', dataset, 'same_areas_as', what->>'same_areas_as',
      'source', coalesce(what->>'source', publication->>'source'),
      'license', coalesce(what->>'license', publication->>'license'))))
  ON CONFLICT (id) DO UPDATE SET type = excluded.type, name = excluded.name, description = excluded.description,
    weight = excluded.weight, aggregate = excluded.aggregate, version = excluded.version, extra = excluded.extra;
  INSERT INTO obs_dataset_column VALUES (dataset, column_id) ON CONFLICT DO NOTHING;
  DELETE FROM obs_column_tag t WHERE t.column_id = _obs_note_column.column_id;
END
$$;

-- Removes the columns of a dataset that no table holds any more.
CREATE OR REPLACE FUNCTION cdb_observatory._obs_forget_unused(dataset text) RETURNS void LANGUAGE sql AS $$
  DELETE FROM obs_column c USING obs_dataset_column d
  WHERE d.dataset_id = $1 AND d.column_id = c.id
    AND NOT EXISTS (SELECT FROM obs_column_table t WHERE t.column_id = c.id)
$$;

CREATE OR REPLACE FUNCTION cdb_observatory._obs_publish(source regclass, publication json) RETURNS json LANGUAGE plpgsql AS $$
DECLARE
  dataset CONSTANT text := nullif(publication->>'dataset', '');
  timespan CONSTANT text := nullif(publication->>'timespan', '');
  boundary CONSTANT json := publication->'boundary';
  level CONSTANT text := nullif(boundary->>'id', '');
  -- A level may draw the areas of an existing level differently. It then has the identifiers and measures of that level.
  base CONSTANT text := nullif(boundary->>'same_areas_as', '');
  ref CONSTANT text := coalesce(base, level) || '_geoid';
  naming CONSTANT text := level || '_geoname';
  id_column CONSTANT text := boundary->>'id_column';
  name_column CONSTANT text := boundary->>'name_column';
  geometry_column CONSTANT text := boundary->>'geometry_column';
  measures CONSTANT json := coalesce(publication->'measures', '[]');
  -- The starter catalog has values that would be computed from the boundaries, in columns named prepared_…
  coverage CONSTANT geometry := publication->'prepared'->>'coverage';
  measure json;
  measure_id text;
  relation record;
  denominator text;
  wanted text;
  type text;
  columns jsonb;
  measure_ids text[] := '{}';
  selected text;
  bad text;
  bad_count bigint;
  geometry_table text;
  geometry_level record;
  measure_table text;
  table_id text;
  outside bigint := 0;
BEGIN
  IF dataset IS NULL OR dataset !~ '^[a-z0-9][a-z0-9._-]{0,62}$' THEN
    PERFORM _obs_refuse('"dataset" is missing or is not a valid id', 'Use lower-case letters, digits, ".", "_" and "-".');
  ELSIF timespan IS NULL THEN
    PERFORM _obs_refuse('"timespan" is missing', 'Pass the period of the data: "2016", or "2011 - 2015".');
  ELSIF level IS NULL OR level !~ '^[a-z0-9][a-z0-9._-]*$' THEN
    PERFORM _obs_refuse('"boundary.id" is missing or is not a valid id', 'An id looks like "es.madrid.barrio".');
  ELSIF id_column IS NULL THEN
    PERFORM _obs_refuse('"boundary.id_column" is missing', 'Pass the name of the column that identifies each area.');
  ELSIF geometry_column IS NULL AND json_array_length(measures) = 0 THEN
    PERFORM _obs_refuse('Nothing to publish: pass "boundary.geometry_column", "measures", or both');
  ELSIF base IS NOT NULL AND geometry_column IS NULL THEN
    PERFORM _obs_refuse('"boundary.same_areas_as" requires "boundary.geometry_column"', 'Pass the geometry column of the level as well, or only its id.');
  ELSIF base IS NOT NULL AND NOT EXISTS (SELECT FROM obs_column_to_column r
      WHERE r.source_id = ref AND r.target_id = base AND r.reltype = 'geom_ref') OR base = level THEN
    PERFORM _obs_refuse(format('No boundary level "%s" exists whose areas "%s" could share', base, level),
      'OBS_GetAvailableGeometries() lists the levels. Choose one that does not share the areas of another.');
  END IF;
  SELECT jsonb_object_agg(attname, format_type(atttypid, NULL)) INTO columns
  FROM pg_attribute WHERE attrelid = source AND attnum > 0 AND NOT attisdropped;
  FOR wanted IN
    SELECT name FROM (VALUES (id_column), (name_column), (geometry_column)) given(name) WHERE name IS NOT NULL
    UNION ALL SELECT coalesce(m->>'column', '') FROM json_array_elements(measures) m
  LOOP
    IF NOT columns ? wanted THEN
      PERFORM _obs_refuse(format('%s has no column "%s"', source, wanted), (
        SELECT 'Its columns are ' || string_agg(format('"%s"', key), ', ' ORDER BY key) || '.' FROM jsonb_object_keys(columns) key));
    END IF;
  END LOOP;
  EXECUTE format('SELECT count(*) FROM %s', source) INTO bad_count;
  IF bad_count = 0 THEN
    PERFORM _obs_refuse(format('Cannot publish: %s has no rows', source));
  END IF;
  EXECUTE format('SELECT count(*), min(id::text) FROM (SELECT %1$I AS id FROM %2$s GROUP BY 1 HAVING count(*) > 1 OR %1$I IS NULL) twice',
    id_column, source) INTO bad_count, bad;
  IF bad_count > 0 THEN
    PERFORM _obs_refuse(format('Column "%s" does not identify the areas: %s of its values occur more than once or are missing%s',
      id_column, bad_count, coalesce(format(', for example "%s"', bad), '')));
  END IF;

  INSERT INTO obs_dataset (id, name, description, source, license, version)
  VALUES (dataset, coalesce(publication->>'name', dataset), publication->>'description', publication->>'source',
    publication->>'license', publication->>'version')
  ON CONFLICT (id) DO UPDATE SET name = excluded.name, description = excluded.description, source = excluded.source,
    license = excluded.license, version = excluded.version, published_at = now();

  IF geometry_column IS NOT NULL THEN
    table_id := format('%s|%s|%s|boundary', dataset, level, timespan);
    geometry_table := _obs_make_table(dataset, table_id, timespan, boundary->>'description', format(
      'SELECT %1$I::text AS geoid, %2$s::text AS geoname, (%3$s)::geometry(MultiPolygon, 4326) AS the_geom FROM %4$s',
      id_column, CASE WHEN name_column IS NULL THEN 'NULL' ELSE quote_ident(name_column) END,
      format(CASE WHEN coverage IS NULL THEN 'cdb_observatory._obs_area(%1$I)'
        ELSE 'CASE WHEN prepared_is_plain THEN cdb_observatory._obs_plain_area(%1$I) ELSE cdb_observatory._obs_area(%1$I) END' END,
        geometry_column), source));
    EXECUTE format('WITH gone AS (DELETE FROM observatory.%I WHERE the_geom IS NULL RETURNING geoid) SELECT count(*), min(geoid) FROM gone', geometry_table)
    INTO bad_count, bad;
    IF bad_count > 0 THEN
      RAISE WARNING '% rows of % have no polygon and are left out, for example "%"', bad_count, source, bad;
    END IF;
    EXECUTE format('SELECT count(*) FROM observatory.%I', geometry_table) INTO bad_count;
    IF bad_count = 0 THEN
      PERFORM _obs_refuse(format('Column "%s" has no polygons', geometry_column), 'Boundaries are polygons.');
    END IF;
    EXECUTE format('CREATE INDEX ON observatory.%1$I USING gist (the_geom);
      INSERT INTO obs_boundary %2$s;
      ANALYZE observatory.%1$I', geometry_table, format(CASE WHEN coverage IS NULL
        THEN 'SELECT %1$L, geoid, _obs_footprint(the_geom), ST_Area(the_geom), _obs_km2(the_geom) FROM observatory.%1$I'
        ELSE 'SELECT %1$L, %2$I::text, prepared_footprint, prepared_deg2, prepared_km2 FROM %3$s' END,
        geometry_table, id_column, source));
    UPDATE obs_table t SET the_geom = coalesce(coverage, _obs_coverage(geometry_table)) WHERE t.id = table_id;
    PERFORM _obs_note_column(dataset, level, 'Geometry', boundary, coalesce((boundary->>'weight')::numeric, 1), publication);
    PERFORM _obs_tag_all(level, json_build_object('sections', coalesce(boundary->'sections', publication->'sections', '{}'),
      'subsection', 'Boundaries'), publication);
    IF base IS NULL THEN
      PERFORM _obs_note_column(dataset, ref, 'Text', json_build_object('name', 'Identifier'), 0, publication);
    ELSE
      EXECUTE format('SELECT count(*), min(g.geoid) FROM observatory.%I g WHERE NOT EXISTS (SELECT FROM obs_column_table ct
        JOIN obs_table t ON t.id = ct.table_id JOIN obs_boundary b ON b.tablename = t.tablename
        WHERE ct.column_id = %L AND b.geomref = g.geoid)', geometry_table, base) INTO bad_count, bad;
      IF bad_count > 0 THEN
        RAISE WARNING '% areas of % are not areas of "%", for example "%"', bad_count, source, base, bad;
      END IF;
    END IF;
    DELETE FROM obs_column_to_column r WHERE r.target_id = level AND r.reltype = 'geom_ref';
    INSERT INTO obs_column_to_column VALUES (ref, level, 'geom_ref') ON CONFLICT DO NOTHING;
    INSERT INTO obs_column_table VALUES (level, table_id, 'the_geom'), (ref, table_id, 'geoid');
    IF name_column IS NOT NULL THEN
      PERFORM _obs_note_column(dataset, naming, 'Text', json_build_object('name', 'Name: ' || coalesce(boundary->>'name', level),
        'description', 'The name of the area of ' || coalesce(boundary->>'name', level), 'aggregate', 'mode'), 1, publication);
      PERFORM _obs_tag_all(naming, json_build_object('subsection', 'Names'), publication);
      INSERT INTO obs_column_table VALUES (naming, table_id, 'geoname');
    END IF;
  END IF;

  -- Measures may belong to a level that another dataset has published.
  SELECT t.tablename, t.the_geom INTO geometry_level FROM obs_column_table ct JOIN obs_table t ON t.id = ct.table_id
  WHERE ct.column_id = level ORDER BY t.timespan DESC LIMIT 1;
  IF geometry_level IS NULL THEN
    PERFORM _obs_refuse(format('No boundary level is named "%s"', level),
      'Pass "boundary.geometry_column" to publish the level, or the id of a level that OBS_GetAvailableGeometries() lists.');
  END IF;
  IF json_array_length(measures) > 0 THEN
    FOR measure IN SELECT json_array_elements(measures) LOOP
      measure_id := coalesce(nullif(measure->>'id', ''), dataset || '.' || _obs_suggested_name(measure->>'column'));
      type := columns->>(measure->>'column');
      IF measure_id !~ '^[A-Za-z0-9][A-Za-z0-9._-]*$' THEN
        PERFORM _obs_refuse(format('"%s" is not a valid id of a measure', measure_id), 'An id looks like "es.madrid.rent".');
      ELSIF (measure->>'column') IN ('geoid', 'the_geom') THEN
        PERFORM _obs_refuse(format('A measure cannot be the column "%s"', measure->>'column'), 'Rename the column.');
      ELSIF coalesce(measure->>'aggregate', '') NOT IN ('', 'sum', 'median', 'average', 'mode', 'quantile') THEN
        PERFORM _obs_refuse(format('Aggregate "%s" of measure "%s" is unknown', measure->>'aggregate', measure_id),
          'Use sum, median, average, quantile or mode.');
      ELSIF measure->>'aggregate' IN ('sum', 'median', 'average') AND type NOT IN ('smallint', 'integer', 'bigint', 'numeric', 'real', 'double precision') THEN
        PERFORM _obs_refuse(format('Column "%s" is %s, which has no %s', measure->>'column', type, measure->>'aggregate'));
      ELSIF measure_id = ANY (measure_ids) THEN
        PERFORM _obs_refuse(format('Two measures have the id "%s"', measure_id), 'Give one of them another id.');
      END IF;
      measure_ids := measure_ids || measure_id;
    END LOOP;
    SELECT string_agg(DISTINCT format(', %I', m->>'column'), '') INTO selected FROM json_array_elements(measures) m;
    table_id := format('%s|%s|%s|measures', dataset, level, timespan);
    measure_table := _obs_make_table(dataset, table_id, timespan, NULL,
      format('SELECT %I::text AS geoid%s FROM %s', id_column, selected, source));
    UPDATE obs_table t SET the_geom = geometry_level.the_geom WHERE t.id = table_id;
    INSERT INTO obs_column_table VALUES (ref, table_id, 'geoid');
    EXECUTE format('ANALYZE observatory.%I', measure_table);
    EXECUTE format('SELECT count(*) FROM observatory.%I m WHERE NOT EXISTS (SELECT FROM obs_boundary b WHERE b.tablename = %L AND b.geomref = m.geoid)',
      measure_table, geometry_level.tablename) INTO outside;
    IF outside > 0 THEN
      RAISE WARNING '% rows of % belong to no area of "%"', outside, source, level;
    END IF;
    FOR measure IN SELECT json_array_elements(measures) LOOP
      measure_id := coalesce(nullif(measure->>'id', ''), dataset || '.' || _obs_suggested_name(measure->>'column'));
      type := CASE WHEN columns->>(measure->>'column') IN ('smallint', 'integer', 'bigint', 'numeric', 'real', 'double precision')
        THEN 'Numeric' ELSE initcap(columns->>(measure->>'column')) END;
      PERFORM _obs_note_column(dataset, measure_id, type, measure, coalesce((measure->>'weight')::numeric, 1), publication);
      PERFORM _obs_tag_all(measure_id, measure, publication);
      INSERT INTO obs_column_table VALUES (measure_id, table_id, measure->>'column');
    END LOOP;
    -- The target is the column of another measure in this publication, or the id of a measure in the catalog.
    FOR relation IN
      SELECT coalesce(nullif(m->>'id', ''), dataset || '.' || _obs_suggested_name(m->>'column')) AS id, r.reltype, m->>r.reltype AS target
      FROM json_array_elements(measures) m, (VALUES ('denominator'), ('universe')) r(reltype)
      WHERE coalesce(m->>r.reltype, '') <> ''
    LOOP
      SELECT coalesce(nullif(m->>'id', ''), dataset || '.' || _obs_suggested_name(m->>'column')) INTO denominator
      FROM json_array_elements(measures) m WHERE m->>'column' = relation.target;
      denominator := coalesce(denominator, relation.target);
      IF NOT EXISTS (SELECT FROM obs_column c WHERE c.id = denominator AND c.type = 'Numeric') THEN
        PERFORM _obs_refuse(format('The %s "%s" of measure "%s" is not a published number', relation.reltype, relation.target, relation.id),
          'Pass the column of one of the measures, or the id of a measure in the catalog.');
      END IF;
      INSERT INTO obs_column_to_column VALUES (relation.id, denominator, relation.reltype) ON CONFLICT DO NOTHING;
    END LOOP;
  END IF;
  PERFORM _obs_forget_unused(dataset);
  RETURN json_build_object('dataset', dataset, 'boundary', level, 'timespan', timespan,
    'measures', json_array_length(measures), 'outside', outside);
END
$$;

CREATE OR REPLACE FUNCTION cdb_observatory.OBS_Publish(source regclass, publication json) RETURNS json LANGUAGE plpgsql AS $$
DECLARE
  done json;
BEGIN
  PERFORM _obs_lock();
  done := _obs_publish(source, (publication::jsonb - 'prepared')::json);
  PERFORM _obs_refresh();
  RETURN done;
END
$$;

CREATE OR REPLACE FUNCTION cdb_observatory.OBS_Unpublish(dataset text) RETURNS json LANGUAGE plpgsql AS $$
DECLARE
  needed text;
  name text;
  removed int := 0;
BEGIN
  PERFORM _obs_lock();
  IF NOT EXISTS (SELECT FROM obs_dataset d WHERE d.id = dataset) THEN
    PERFORM _obs_refuse(format('No dataset is named "%s"', dataset), (
      SELECT 'Available datasets: ' || string_agg(d.id, ', ' ORDER BY d.id) || '.' FROM obs_dataset d));
  END IF;
  SELECT string_agg(DISTINCT other.dataset_id, ', ') INTO needed
  FROM obs_dataset_column own
  JOIN obs_column_table ct ON ct.column_id = own.column_id
  JOIN obs_dataset_table other ON other.table_id = ct.table_id
  WHERE own.dataset_id = dataset AND other.dataset_id <> dataset;
  IF needed IS NOT NULL THEN
    PERFORM _obs_refuse(format('Other datasets have measures of the boundaries of "%s": %s', dataset, needed), 'Remove those datasets first.');
  END IF;
  FOR name IN SELECT t.tablename FROM obs_dataset_table d JOIN obs_table t ON t.id = d.table_id WHERE d.dataset_id = dataset LOOP
    EXECUTE format('DROP TABLE IF EXISTS observatory.%I', name);
    DELETE FROM obs_table t WHERE t.tablename = name;
    removed := removed + 1;
  END LOOP;
  DELETE FROM obs_column c USING obs_dataset_column d WHERE d.dataset_id = dataset AND d.column_id = c.id;
  DELETE FROM obs_dataset d WHERE d.id = dataset;
  DELETE FROM obs_timespan s WHERE NOT EXISTS (SELECT FROM obs_table t WHERE t.timespan = s.id);
  DELETE FROM obs_tag t WHERE NOT EXISTS (SELECT FROM obs_column_tag c WHERE c.tag_id = t.id);
  PERFORM _obs_refresh();
  RETURN json_build_object('dataset', dataset, 'tables', removed);
END
$$;

-- The functions that list and describe published datasets.
CREATE OR REPLACE FUNCTION cdb_observatory.OBS_Datasets() RETURNS TABLE (
  id text, name text, boundaries bigint, measures bigint, timespans text, source text, license text, published_at timestamptz
) LANGUAGE sql STABLE AS $$
  SELECT d.id, d.name,
    (SELECT count(*) FROM obs_dataset_column x JOIN obs_column c ON c.id = x.column_id WHERE x.dataset_id = d.id AND c.type = 'Geometry'),
    (SELECT count(*) FROM obs_dataset_column x JOIN obs_column c ON c.id = x.column_id
     WHERE x.dataset_id = d.id AND c.type <> 'Geometry' AND c.weight > 0),
    (SELECT string_agg(DISTINCT t.timespan, ', ' ORDER BY t.timespan) FROM obs_dataset_table x JOIN obs_table t ON t.id = x.table_id
     WHERE x.dataset_id = d.id),
    d.source, d.license, d.published_at
  FROM obs_dataset d ORDER BY d.id
$$;

CREATE OR REPLACE FUNCTION cdb_observatory.OBS_Dataset(dataset text) RETURNS json LANGUAGE sql STABLE AS $$
  SELECT json_build_object('id', d.id, 'name', d.name, 'description', d.description, 'source', d.source,
    'license', d.license, 'version', d.version, 'published_at', d.published_at,
    'boundaries', (SELECT coalesce(json_agg(json_build_object('id', g.id, 'name', g.name, 'description', g.description,
        'timespan', g.timespan, 'areas', (SELECT count(*) FROM obs_boundary b WHERE b.tablename = g.tablename)) ORDER BY g.id), '[]')
      FROM obs_geometry g JOIN obs_dataset_column x ON x.column_id = g.id WHERE x.dataset_id = d.id),
    'measures', (SELECT coalesce(json_agg(json_build_object('id', m.numer_id, 'name', m.numer_name,
        'description', m.numer_description, 'type', m.numer_type, 'aggregate', m.numer_aggregate,
        'unit', m.numer_extra->>'unit', 'source', m.numer_extra->>'source', 'license', m.numer_extra->>'license',
        'denominators', coalesce(m.denoms, '{}'), 'boundaries', m.geoms, 'timespans', m.timespans) ORDER BY m.numer_id), '[]')
      FROM obs_meta_numer m JOIN obs_dataset_column x ON x.column_id = m.numer_id WHERE x.dataset_id = d.id))
  FROM obs_dataset d WHERE d.id = $1
$$;
