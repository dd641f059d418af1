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
