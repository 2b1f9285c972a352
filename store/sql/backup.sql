-- name: snapshot
SELECT pg_export_snapshot()

-- name: versions
SELECT current_setting('server_version'), (SELECT extversion FROM pg_extension
                                           WHERE extname = 'timescaledb')

-- name: tables
-- Our own, hypertables among them; not what belongs to an extension, nor the migrations' lock.
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname = 'public' AND c.relname <> 'yoyo_lock'
  AND NOT c.relispartition
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
ORDER BY c.relname

-- name: extension_versions
SELECT version FROM pg_available_extension_versions WHERE name = 'timescaledb'

-- name: pre_restore
SELECT timescaledb_pre_restore()

-- name: post_restore
SELECT timescaledb_post_restore()
