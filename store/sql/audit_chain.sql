-- name: lock
-- One sealer at a time hands out positions; nobody else takes this lock.
SELECT pg_advisory_xact_lock(7166320002)

-- name: clinics_waiting
SELECT DISTINCT clinic_id FROM audit_unsealed ORDER BY clinic_id

-- name: oldest_waiting
SELECT coalesce(extract(epoch FROM %(now)s - min(queued_at)), 0)::float8 FROM audit_unsealed

-- name: last_link
SELECT position, mac FROM audit_link
WHERE clinic_id = %(clinic)s ORDER BY position DESC LIMIT 1

-- name: mac_at
SELECT mac FROM audit_link WHERE clinic_id = %(clinic)s AND position = %(position)s

-- name: waiting
-- Texts as the database prints them: they are the canonical form, and nothing of an event, however
-- odd, can fail to be read.
SELECT e.clinic_id, e.seq, trim_scale(extract(epoch FROM e.at) * 1000000)::text AS at_us,
       e.actor, e.action, e.subject, e.detail::text AS detail
FROM audit_unsealed u JOIN audit_event e USING (clinic_id, seq)
WHERE u.clinic_id = %(clinic)s
  AND NOT EXISTS (SELECT FROM audit_link l WHERE l.clinic_id = u.clinic_id AND l.seq = u.seq)
ORDER BY e.seq LIMIT %(limit)s

-- name: insert_links
INSERT INTO audit_link (clinic_id, position, seq, sealed_at, key_id, mac)
SELECT %(clinic)s, t.position, t.seq, %(sealed_at)s, %(key_id)s, t.mac
FROM unnest(%(positions)s::bigint[], %(seqs)s::bigint[], %(macs)s::bytea[])
    AS t (position, seq, mac)

-- name: take_off
DELETE FROM audit_unsealed WHERE clinic_id = %(clinic)s AND seq = ANY(%(seqs)s::bigint[])

-- name: chain
SELECT l.clinic_id, l.position, l.key_id, l.mac, l.seq,
       trim_scale(extract(epoch FROM l.sealed_at) * 1000000)::text AS sealed_at_us,
       e.seq IS NOT NULL AS present,
       trim_scale(extract(epoch FROM e.at) * 1000000)::text AS at_us,
       e.actor, e.action, e.subject, e.detail::text AS detail,
       l.sealed_at - e.at > %(late)s AS late
FROM audit_link l LEFT JOIN audit_event e USING (clinic_id, seq)
ORDER BY l.clinic_id, l.position

-- name: left_out
-- Of each clinic the first event that no link holds though one should: nobody will seal it, it waits
-- too long, or what was to be sealed is gone.
SELECT DISTINCT ON (clinic_id) clinic_id, e.seq AS event, u.seq AS queued
FROM audit_event e FULL JOIN audit_unsealed u USING (clinic_id, seq)
WHERE (u.seq IS NULL
       AND NOT EXISTS (SELECT FROM audit_link l WHERE l.clinic_id = e.clinic_id AND l.seq = e.seq))
   OR e.seq IS NULL
   OR u.queued_at < %(since)s
ORDER BY clinic_id, coalesce(e.seq, u.seq)
