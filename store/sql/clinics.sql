-- name: read_clinic
SELECT id, name, zone, glucose_unit, weight_unit, alert_programme FROM clinic
WHERE id = session_clinic()

-- name: hold_zone_alone
-- Whoever signs or locks a month has read the zone of now (`hold_zone`): a change waits for them.
SELECT pg_advisory_xact_lock(716618, hashtext(session_clinic()))

-- name: zone_is_fixed
-- A month is cut by the practice's zone: where one is signed or locked, another zone would move
-- minutes from it to its neighbour, and they would bill in both.
SELECT EXISTS (SELECT FROM signed_month WHERE clinic_id = session_clinic() AND reopened_at IS NULL)
    OR EXISTS (SELECT FROM month_lock WHERE clinic_id = session_clinic() AND unlocked_at IS NULL)
    AS fixed

-- name: update_clinic
UPDATE clinic SET name = %(name)s, zone = %(zone)s, glucose_unit = %(glucose_unit)s,
    weight_unit = %(weight_unit)s, alert_programme = %(alert_programme)s
WHERE id = session_clinic()
