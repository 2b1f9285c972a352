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

-- name: reviewed
UPDATE alert SET review_reason = NULL, updated_at = %(now)s
WHERE clinic_id = %(clinic)s AND id = %(alert)s AND review_reason IS NOT NULL
RETURNING id

-- name: keep_time
-- The time spent on the alert, and on what was planned to follow it, stands as it is.
WITH RECURSIVE task AS (
    SELECT t.id FROM care_task t WHERE t.clinic_id = %(clinic)s AND t.alert_id = %(alert)s
    UNION
    SELECT t.id FROM care_task t JOIN task p ON t.follows = p.id WHERE t.clinic_id = %(clinic)s
)
UPDATE time_entry SET review_reason = NULL
WHERE clinic_id = %(clinic)s AND review_reason IS NOT NULL AND task_id IN (SELECT id FROM task)
