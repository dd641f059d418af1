-- Creates the schemas of a Data Observatory: its catalog, and the functions of CARTO that read it. To install all of it by
-- hand, in a database with PostGIS 3.0 on PostgreSQL 13 or newer (`public` is the schema of PostGIS here):
--
--   PGOPTIONS='-c search_path=observatory,cdb_observatory,public' psql -1 -v ON_ERROR_STOP=1 -f schemas.sql -f tables.sql \
--     -f views.sql -f geometry.sql -f discovery.sql -f metadata.sql -f data.sql -f measures.sql -f boundaries.sql \
--     -f publication.sql -f search-path.sql
--
-- Each file but this one may be run again, to bring its functions up to date.
CREATE SCHEMA cdb_observatory;
CREATE SCHEMA observatory;
