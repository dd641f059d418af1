-- Accounting of storage. Each schema has a quota; 0, the default, means no limit.
CREATE OR REPLACE FUNCTION cartodb._CDB_Quota(schema_name text) RETURNS int8
LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$
  SELECT coalesce(cartodb._CDB_Setting('quota_in_bytes ' || $1)::int8, 0)
$$;

CREATE OR REPLACE FUNCTION cartodb._CDB_UserQuotaInBytes() RETURNS int8
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT coalesce(cartodb._CDB_Quota(current_schema()), 0)
$$;

-- Returns the previous quota.
CREATE OR REPLACE FUNCTION cartodb.CDB_SetUserQuotaInBytes(schema_name text, bytes int8) RETURNS int8
LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  previous CONSTANT int8 := cartodb._CDB_Quota(schema_name);
BEGIN
  IF bytes < 0 THEN
    RAISE EXCEPTION 'a quota cannot be negative' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  INSERT INTO cartodb.cdb_conf AS c (key, value) VALUES ('quota_in_bytes ' || schema_name, bytes::text)
  ON CONFLICT (key) DO UPDATE SET value = excluded.value;
  RETURN previous;
END
$$;

CREATE OR REPLACE FUNCTION cartodb.CDB_SetUserQuotaInBytes(bytes int8) RETURNS int8
LANGUAGE sql VOLATILE STRICT AS $$
  SELECT cartodb.CDB_SetUserQuotaInBytes(current_schema()::text, $1)
$$;

CREATE OR REPLACE FUNCTION cartodb.CDB_UserDataSize(schema_name text) RETURNS int8
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(sum(pg_total_relation_size(c.oid)) / 2, 0)::int8
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND c.relkind = 'r' AND c.relname <> 'spatial_ref_sys'
$$;

CREATE OR REPLACE FUNCTION cartodb.CDB_UserDataSize() RETURNS int8
LANGUAGE sql STABLE AS $$
  SELECT cartodb.CDB_UserDataSize(current_schema()::text)
$$;

-- Trigger arguments: the probability of a check, the limit in bytes (-1 for the quota of the schema), the schema.
CREATE OR REPLACE FUNCTION cartodb.CDB_CheckQuota() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  quota int8;
  size int8;
BEGIN
  IF random() < TG_ARGV[0]::float8 THEN
    quota := CASE TG_ARGV[1]::int8 WHEN -1 THEN cartodb._CDB_Quota(TG_ARGV[2]) ELSE TG_ARGV[1]::int8 END;
    IF quota > 0 THEN
      size := cartodb.CDB_UserDataSize(TG_ARGV[2]);
      IF size > quota THEN
        RAISE EXCEPTION 'Quota exceeded by %KB', (size - quota) / 1024 USING ERRCODE = 'disk_full';
      END IF;
    END IF;
  END IF;
  RETURN NEW;
END
$$;
