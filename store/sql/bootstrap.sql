-- Roles (cluster-wide) and extensions: what an administrator lays before the first migration.
-- None of the roles can log in; `store.provision` makes the logins. Safe to run again.
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['hl_owner', 'hl_ingest', 'hl_worker', 'hl_api', 'hl_sealer'] LOOP
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END;
    END LOOP;
END
$$;
CREATE EXTENSION IF NOT EXISTS timescaledb;
CREATE EXTENSION IF NOT EXISTS btree_gist;
GRANT USAGE, CREATE ON SCHEMA public TO hl_owner;
-- Chunks and the catalogue live in these schemas: nobody but their owners looks in.
DO $$
DECLARE
    internal text;
BEGIN
    FOR internal IN
        SELECT nspname FROM pg_namespace
        WHERE nspname LIKE '\_timescaledb\_%' OR nspname LIKE 'timescaledb\_%'
    LOOP
        EXECUTE format('REVOKE ALL ON SCHEMA %I FROM PUBLIC', internal);
        -- TimescaleDB resolves its own names as the session's role: no hypertable is
        -- written without these. Tables and chunks in them stay refused one by one.
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO hl_owner, hl_ingest', internal);
    END LOOP;
END
$$;
-- Planning (through `reading_view`, and of a DISTINCT) resolves these as the reader; each chunk
-- still refuses it.
GRANT USAGE ON SCHEMA _timescaledb_functions, _timescaledb_catalog, _timescaledb_cache,
    _timescaledb_config, _timescaledb_internal TO hl_api, hl_worker, hl_sealer;
