-- name: lock_timers
SELECT pg_advisory_xact_lock(hashtextextended('timers ' || %(staff)s, 0))

-- name: running_timer
-- In whatever clinic it runs, if it is the session's own person; else in this clinic.
SELECT e.id, e.clinic_id, e.task_id, e.patient_id, e.programme, lower(e.during) AS started_at,
       e.last_activity_at, e.lease_until
FROM time_entry e
WHERE e.staff_id = %(staff)s AND e.state = 'running' AND e.status = 'active'
FOR UPDATE

-- name: start_timer
-- Never before what the person did last: two servers' clocks may differ by a little.
INSERT INTO time_entry (clinic_id, patient_id, staff_id, task_id, programme, activity, role, source,
                        during, state, status, last_activity_at, lease_until, created_at)
SELECT %(clinic)s, %(patient)s, %(staff)s, %(task)s, %(programme)s, %(activity)s, %(role)s, 'timer',
       tstzrange(start, NULL), 'running', 'active', start, %(lease_until)s, %(now)s
FROM (SELECT greatest(%(now)s::timestamptz, max(upper(during))) AS start FROM time_entry
      WHERE staff_id = %(staff)s AND status = 'active' AND during @> %(now)s::timestamptz) AS free
RETURNING id, lower(during) AS started_at

-- name: end_timer
UPDATE time_entry
SET during = tstzrange(lower(during), %(at)s), state = 'stopped', stopped_by = %(stopped_by)s,
    lease_until = NULL
WHERE id = %(entry)s

-- name: discard_timer
-- It measured nothing.
UPDATE time_entry
SET during = 'empty', state = 'stopped', stopped_by = %(stopped_by)s, lease_until = NULL,
    status = 'reversed', reversed_at = %(now)s, reversed_reason = 'zero length'
WHERE id = %(entry)s

-- name: renew_lease
UPDATE time_entry
SET last_activity_at = greatest(last_activity_at, %(now)s), lease_until = %(lease_until)s
WHERE id = %(entry)s

-- name: end_expired_timers
UPDATE time_entry
SET during = tstzrange(lower(during), last_activity_at), state = 'stopped',
    stopped_by = 'abandoned', lease_until = NULL,
    status = CASE WHEN last_activity_at > lower(during) THEN 'active' ELSE 'reversed' END,
    reversed_at = CASE WHEN last_activity_at > lower(during) THEN NULL ELSE %(now)s END,
    reversed_reason = CASE WHEN last_activity_at > lower(during) THEN NULL ELSE 'zero length' END
WHERE id IN (
    SELECT id FROM time_entry
    WHERE clinic_id = %(clinic)s AND state = 'running' AND status = 'active'
      AND lease_until < %(now)s
    ORDER BY id FOR UPDATE SKIP LOCKED)
RETURNING id

-- name: all_clinics
SELECT all_clinics AS id FROM all_clinics()

-- name: entry_for_update
SELECT e.id, e.clinic_id, e.patient_id, e.staff_id, e.task_id, e.programme, e.activity, e.role,
       e.source, e.state, e.status, e.stopped_by, e.interactive, e.note,
       lower(e.during) AS started_at, upper(e.during) AS ended_at, e.last_activity_at, e.lease_until
FROM time_entry e
WHERE e.clinic_id = %(clinic)s AND e.id = %(entry)s
FOR UPDATE

-- name: confirm_task_entries
-- One person's waiting entries of a task, documented in one act. Where no call was logged inside of
-- them, the last carries the live conversation.
UPDATE time_entry e
SET state = 'confirmed', confirmed_at = %(now)s, programme = %(programme)s,
    activity = %(activity)s, note = %(note)s,
    interactive = e.interactive OR (%(interactive)s AND e.id = (
        SELECT l.id FROM time_entry l
        WHERE l.clinic_id = %(clinic)s AND l.task_id = %(task)s AND l.staff_id = %(staff)s
          AND l.state = 'stopped' AND l.status = 'active'
        ORDER BY l.interactive DESC, lower(l.during) DESC LIMIT 1))
WHERE e.clinic_id = %(clinic)s AND e.task_id = %(task)s AND e.staff_id = %(staff)s
  AND e.state = 'stopped' AND e.status = 'active'
RETURNING e.id, lower(e.during) AS started_at, upper(e.during) AS ended_at

-- name: withdraw_task_entries
-- Undoing a resolve: what it confirmed is reversed, and waits again as a copy.
WITH reversed AS (
    UPDATE time_entry
    SET status = 'reversed', reversed_at = %(now)s, reversed_by = %(staff)s,
        reversed_reason = 'closing the task was undone'
    WHERE clinic_id = %(clinic)s AND task_id = %(task)s AND staff_id = %(staff)s
      AND state = 'confirmed' AND status = 'active' AND confirmed_at = %(done_at)s
    RETURNING *
)
INSERT INTO time_entry (clinic_id, patient_id, staff_id, task_id, programme, activity, role, source,
                        during, state, status, stopped_by, last_activity_at, interactive,
                        created_at, replaces)
SELECT r.clinic_id, r.patient_id, r.staff_id, r.task_id, r.programme, r.activity, r.role, r.source,
       r.during, 'stopped', 'active', r.stopped_by, r.last_activity_at,
       EXISTS (SELECT FROM contact c
               WHERE c.clinic_id = r.clinic_id AND c.task_id = r.task_id AND c.staff_id = r.staff_id
                 AND c.reached AND c.channel IN ('phone', 'video') AND r.during @> c.at),
       %(now)s, r.id
FROM reversed r

-- name: mark_interactive
UPDATE time_entry SET interactive = true
WHERE clinic_id = %(clinic)s AND task_id = %(task)s AND staff_id = %(staff)s
  AND state <> 'confirmed' AND status = 'active' AND during @> %(at)s::timestamptz

-- name: confirm_entry
UPDATE time_entry
SET during = tstzrange(lower(during), %(until)s), state = 'confirmed', status = 'active',
    confirmed_at = %(now)s, note = %(note)s
WHERE id = %(entry)s

-- name: reverse_entry
UPDATE time_entry
SET status = 'reversed', reversed_at = %(now)s, reversed_by = %(staff)s,
    reversed_reason = %(reason)s
WHERE id = %(entry)s

-- name: entry_owner
SELECT staff_id FROM time_entry WHERE clinic_id = %(clinic)s AND id = %(entry)s

-- name: conflicts_of
-- What stands of the same person on other patients during an entry; in their other clinics too, where
-- the session is theirs.
SELECT o.id, o.clinic_id, o.patient_id, o.staff_id, o.programme, o.activity, o.source, o.state,
       o.interactive, o.note, lower(o.during) AS started_at, upper(o.during) AS ended_at
FROM time_entry e
JOIN time_entry o ON o.staff_id = e.staff_id AND o.patient_id <> e.patient_id
    AND o.during && e.during AND o.status = 'active'
WHERE e.clinic_id = %(clinic)s AND e.id = %(entry)s
ORDER BY lower(o.during), o.id
FOR UPDATE OF o

-- name: entry_in_words
-- An entry with the names of its person and patient, for who corrects or decides it.
SELECT e.id, e.clinic_id, e.patient_id, p.family_name, p.given_name, e.staff_id,
       s.name AS staff_name, e.programme, e.activity, e.source, e.state, e.status, e.interactive,
       e.note, lower(e.during) AS started_at, upper(e.during) AS ended_at
FROM time_entry e
JOIN patient p ON p.clinic_id = e.clinic_id AND p.id = e.patient_id
JOIN staff s ON s.id = e.staff_id
WHERE e.clinic_id = %(clinic)s AND e.id = %(entry)s

-- name: conflicts_in_words
-- As `conflicts_of`; a patient of another clinic has no name here.
SELECT o.id, o.clinic_id, o.patient_id, p.family_name, p.given_name, o.programme, o.activity,
       o.state, o.note, lower(o.during) AS started_at, upper(o.during) AS ended_at
FROM time_entry e
JOIN time_entry o ON o.staff_id = e.staff_id AND o.patient_id <> e.patient_id
    AND o.during && e.during AND o.status = 'active'
LEFT JOIN patient p ON p.clinic_id = o.clinic_id AND p.id = o.patient_id
WHERE e.clinic_id = %(clinic)s AND e.id = %(entry)s
ORDER BY lower(o.during), o.id

-- name: replace_entry
-- What stands instead of a reversed entry, or of a part of it: the same person's work for the same
-- patient and task, as it is given now.
INSERT INTO time_entry (clinic_id, patient_id, staff_id, task_id, programme, activity, role, source,
                        during, state, status, stopped_by, last_activity_at, interactive, note,
                        created_at, confirmed_at, replaces, import_id, import_line)
SELECT r.clinic_id, r.patient_id, r.staff_id, r.task_id, %(programme)s, %(activity)s, r.role,
       %(source)s, asked, %(state)s,
       CASE WHEN EXISTS (
           SELECT FROM time_entry o
           WHERE o.staff_id = r.staff_id AND o.patient_id <> r.patient_id AND o.during && asked
             AND o.status = 'active') THEN 'held' ELSE 'active' END,
       r.stopped_by, %(ends_at)s, %(interactive)s, %(note)s, %(now)s,
       CASE WHEN %(state)s = 'confirmed' THEN %(now)s::timestamptz END, r.id, r.import_id,
       r.import_line
FROM time_entry r, (SELECT tstzrange(%(starts_at)s, %(ends_at)s) AS asked) AS given
WHERE r.id = %(entry)s
RETURNING id, status

-- name: log_entry
-- What overlaps the person's own time on another patient is held, and counts nothing till decided.
INSERT INTO time_entry (clinic_id, patient_id, staff_id, programme, activity, role, source, during,
                        state, status, last_activity_at, interactive, note, created_at,
                        confirmed_at)
SELECT %(clinic)s, %(patient)s, %(staff)s, %(programme)s, %(activity)s, %(role)s, 'manual', asked,
       'confirmed',
       CASE WHEN EXISTS (
           SELECT FROM time_entry o
           WHERE o.staff_id = %(staff)s AND o.patient_id <> %(patient)s AND o.during && asked
             AND o.status = 'active') THEN 'held' ELSE 'active' END,
       %(ends_at)s, %(interactive)s, %(note)s, %(now)s, %(now)s
FROM (SELECT tstzrange(%(starts_at)s, %(ends_at)s) AS asked) AS given
RETURNING id, status

-- name: patient_exists
SELECT FROM patient WHERE clinic_id = %(clinic)s AND id = %(patient)s

-- name: standing_work
-- What counts of a patient in a window, and what one person has yet to document on a task.
SELECT e.programme, e.role, e.activity, lower(e.during) AS started_at,
       CASE WHEN e.state = 'running'
            THEN greatest(lower(e.during),
                          CASE WHEN e.lease_until < %(now)s THEN e.last_activity_at
                               ELSE %(now)s END)
            ELSE upper(e.during) END AS ended_at,
       e.state <> 'confirmed' AS waits
FROM time_entry e
WHERE e.clinic_id = %(clinic)s AND e.patient_id = %(patient)s AND e.status = 'active'
  AND e.during && tstzrange(%(starts_at)s, %(ends_at)s)
  AND (e.state = 'confirmed' OR (e.task_id = %(task)s AND e.staff_id = %(staff)s))

-- name: oldest_waiting
SELECT min(lower(during)) AS started_at FROM time_entry
WHERE clinic_id = %(clinic)s AND task_id = %(task)s AND staff_id = %(staff)s
  AND state <> 'confirmed' AND status = 'active'

-- name: patient_time
SELECT e.id, e.staff_id, s.name AS staff_name, s.credential, e.task_id, t.alert_id, a.lineage,
       e.programme,
       e.activity, e.role,
       CASE WHEN e.import_id IS NULL THEN e.source ELSE 'import' END AS source,
       e.state, e.status, e.stopped_by, e.interactive, e.note,
       coalesce(lower(e.during), e.created_at) AS started_at, upper(e.during) AS ended_at,
       e.last_activity_at, e.created_at, e.confirmed_at, e.reversed_at, r.name AS reversed_by_name,
       e.reversed_reason, e.replaces, e.review_reason, n.replaced_by,
       coalesce(floor(extract(epoch FROM
           least(coalesce(upper(e.during),
                          CASE WHEN e.lease_until < %(now)s THEN e.last_activity_at
                               ELSE %(now)s END),
                 upper(m.month))
           - greatest(lower(e.during), lower(m.month)))), 0)::int AS seconds_in_month
FROM clinic c
CROSS JOIN LATERAL (SELECT tstzrange(
    %(month)s::date::timestamp AT TIME ZONE c.zone,
    (%(month)s::date + INTERVAL '1 month') AT TIME ZONE c.zone) AS month) m
JOIN time_entry e ON e.clinic_id = c.id AND e.patient_id = %(patient)s
  AND (e.during && m.month OR (isempty(e.during) AND m.month @> e.created_at))
JOIN staff s ON s.id = e.staff_id
LEFT JOIN staff r ON r.id = e.reversed_by
LEFT JOIN care_task t ON t.clinic_id = e.clinic_id AND t.id = e.task_id
LEFT JOIN alert a ON a.clinic_id = t.clinic_id AND a.id = t.alert_id
LEFT JOIN LATERAL (
    SELECT array_agg(x.id ORDER BY lower(x.during), x.id) AS replaced_by
    FROM time_entry x
    WHERE x.clinic_id = e.clinic_id AND x.patient_id = e.patient_id AND x.replaces = e.id
) n ON true
WHERE c.id = %(clinic)s
ORDER BY started_at, e.id

-- name: waiting_entries
-- Time that waits for documentation, or for a decision because it is held: one person's, or all of it.
SELECT e.id, e.patient_id, p.family_name, p.given_name, e.staff_id, s.name AS staff_name,
       CASE WHEN e.import_id IS NULL THEN e.source ELSE 'import' END AS source,
       e.task_id, t.alert_id, e.programme,
       e.activity, e.status, e.stopped_by, e.note, lower(e.during) AS started_at,
       upper(e.during) AS ended_at,
       floor(extract(epoch FROM upper(e.during) - lower(e.during)))::int AS seconds
FROM time_entry e
JOIN patient p ON p.clinic_id = e.clinic_id AND p.id = e.patient_id
JOIN staff s ON s.id = e.staff_id
LEFT JOIN care_task t ON t.clinic_id = e.clinic_id AND t.id = e.task_id
WHERE e.clinic_id = %(clinic)s AND (%(staff)s::uuid IS NULL OR e.staff_id = %(staff)s)
  AND (e.state = 'stopped' AND e.status = 'active' OR e.status = 'held')
ORDER BY started_at

-- name: clinic_rules
SELECT zone, alert_programme FROM clinic WHERE id = %(clinic)s
