-- name: load_table
INSERT INTO rate_table (clinic_id, name, source, locality, during, file_sha256, loaded_by,
                        loaded_at)
VALUES (session_clinic(), %(name)s, %(source)s, %(locality)s,
        daterange(%(first)s, %(last)s, '[]'), %(file_sha256)s, %(by)s, %(now)s)
RETURNING id

-- name: load_amounts
INSERT INTO rate (clinic_id, table_id, code, amount)
SELECT session_clinic(), %(table)s, code, amount
FROM unnest(%(codes)s::text[], %(amounts)s::numeric[]) AS one (code, amount)

-- name: tables
-- The newest first.
SELECT t.id, t.name, t.source, t.locality, lower(t.during) AS first, upper(t.during) - 1 AS last,
       t.file_sha256, t.loaded_at, s.name AS loaded_by_name,
       (SELECT array_agg(r.code ORDER BY r.code) FROM rate r
        WHERE r.clinic_id = t.clinic_id AND r.table_id = t.id) AS codes,
       (SELECT array_agg(r.amount ORDER BY r.code) FROM rate r
        WHERE r.clinic_id = t.clinic_id AND r.table_id = t.id) AS amounts
FROM rate_table t
LEFT JOIN staff s ON s.id = t.loaded_by
WHERE t.clinic_id = session_clinic()
ORDER BY t.number DESC

-- name: for_month
-- Of the tables that hold for the whole month, the one loaded last.
SELECT t.id, t.name, t.source, t.locality, lower(t.during) AS first, upper(t.during) - 1 AS last,
       t.file_sha256, t.loaded_at, s.name AS loaded_by_name,
       (SELECT array_agg(r.code ORDER BY r.code) FROM rate r
        WHERE r.clinic_id = t.clinic_id AND r.table_id = t.id) AS codes,
       (SELECT array_agg(r.amount ORDER BY r.code) FROM rate r
        WHERE r.clinic_id = t.clinic_id AND r.table_id = t.id) AS amounts
FROM rate_table t
LEFT JOIN staff s ON s.id = t.loaded_by
WHERE t.clinic_id = %(clinic)s
  AND t.during @> daterange(%(first)s, (%(first)s::date + INTERVAL '1 month')::date)
ORDER BY t.number DESC
LIMIT 1
