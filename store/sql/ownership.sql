-- name: lock_assignments
-- Before any alert is locked: as re-assignments do, so that nobody waits in a circle.
SELECT pg_advisory_xact_lock(7166320001)

-- name: disown_readings
SELECT disown_readings(%(alert)s, %(now)s)

-- name: own_again
SELECT decide_readings(disowned_readings(%(alert)s), %(patient)s, %(staff)s, %(now)s)

-- name: set_alert_state
UPDATE alert SET state = %(state)s, updated_at = %(now)s
WHERE clinic_id = %(clinic)s AND id = %(alert)s

-- name: wake_task
UPDATE care_task SET snoozed_until = NULL, snoozed_reason = NULL
WHERE clinic_id = %(clinic)s AND id = %(task)s
