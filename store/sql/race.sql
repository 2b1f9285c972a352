-- name: peer_table
-- What a small team would make for the readings of a flow.
CREATE TABLE peer_reading (
    time timestamptz NOT NULL, patient uuid, kind text, value real, device text, seq bigint, id uuid
)

-- name: peer_hypertable
SELECT create_hypertable('peer_reading', 'time')

-- name: peer_index
CREATE UNIQUE INDEX ON peer_reading (patient, kind, time, device, seq)

-- name: clear_peer
TRUNCATE peer_reading

-- name: count_peer
SELECT count(*) FROM peer_reading

-- name: count_readings
SELECT count(*) FROM reading WHERE measured_at >= %(since)s AND measured_at < %(until)s

-- name: copied_table
CREATE TABLE copied (LIKE reading INCLUDING DEFAULTS)

-- name: copied_hypertable
SELECT create_hypertable('copied', by_range('measured_at', INTERVAL '7 days'),
                         create_default_indexes => false)

-- name: copied_index
CREATE UNIQUE INDEX ON copied (clinic_id, reading_id, measured_at)

-- name: copied_landing
CREATE TEMP TABLE IF NOT EXISTS landing (LIKE reading INCLUDING DEFAULTS) ON COMMIT DELETE ROWS

-- name: insert_copied
INSERT INTO copied SELECT * FROM landing ON CONFLICT DO NOTHING

-- name: count_copied
SELECT count(*) FROM copied

-- name: clear_copied
TRUNCATE copied

-- name: backends
SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
