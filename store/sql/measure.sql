-- name: checkpoint
CHECKPOINT

-- name: where_it_lies
-- The folder of this database's files, below the server's own.
SELECT 'base/' || oid FROM pg_database WHERE datname = current_database()

-- name: set_chunk_interval
SELECT set_chunk_time_interval('reading', make_interval(days => %(days)s))

-- name: chunks
SELECT count(*) FROM timescaledb_information.chunks WHERE hypertable_name = 'reading'

-- name: readings
SELECT count(*) FROM reading

-- name: sizes
-- Bytes by part. A hypertable's own are those of its chunks.
WITH part AS (
    SELECT format('%I.%I', chunk_schema, chunk_name)::regclass AS rel, 'reading' AS name
    FROM timescaledb_information.chunks WHERE hypertable_name = 'reading'
    UNION ALL SELECT 'reading_key'::regclass, 'reading_key'
)
SELECT coalesce(sum(pg_table_size(rel)) FILTER (WHERE name = 'reading'), 0) AS reading_rows,
       coalesce(sum(pg_indexes_size(rel)) FILTER (WHERE name = 'reading'), 0) AS reading_indexes,
       coalesce(sum(pg_table_size(rel)) FILTER (WHERE name = 'reading_key'), 0) AS key_rows,
       coalesce(sum(pg_indexes_size(rel)) FILTER (WHERE name = 'reading_key'), 0) AS key_index
FROM part
