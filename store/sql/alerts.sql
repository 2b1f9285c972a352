-- name: clinics_to_judge
SELECT clinics_to_judge()

-- name: oldest_marks
-- Whose marks wait longest; these are held from here on. What another worker holds is passed over.
SELECT patient_id FROM evaluation_mark
WHERE clinic_id = session_clinic() AND (%(only)s::uuid IS NULL OR patient_id = %(only)s)
ORDER BY id LIMIT %(size)s FOR UPDATE SKIP LOCKED

-- name: claim_marks
-- And then every mark of theirs: a patient's days are read and written together. Patients come as one
-- value: of a queue that fills and empties no statistics are true for long, and in the worst plan
-- this is one look at each of the clinic's marks, and not one for each patient.
SELECT patient_id, day, min(marked_at), array_agg(id) FROM (
    SELECT patient_id, day, marked_at, id FROM evaluation_mark
    WHERE clinic_id = session_clinic() AND patient_id = ANY(%(patients)s::uuid[])
    LIMIT %(size)s * 200 FOR UPDATE SKIP LOCKED
) AS held
GROUP BY patient_id, day ORDER BY min(id) LIMIT %(size)s * 8

-- name: claim_days
-- The same of days that are rows of their own, of which no two are alike: what an attribution or a re-assignment marked, and
-- ingest of an older version.
WITH oldest AS MATERIALIZED (
    SELECT patient_id FROM pending_evaluation
    WHERE clinic_id = session_clinic() AND (%(only)s::uuid IS NULL OR patient_id = %(only)s)
    ORDER BY marked_at LIMIT %(size)s FOR UPDATE SKIP LOCKED
)
SELECT patient_id, day, marked_at FROM pending_evaluation
WHERE clinic_id = session_clinic() AND patient_id = ANY(ARRAY(SELECT patient_id FROM oldest))
ORDER BY patient_id, day LIMIT %(size)s * 8 FOR UPDATE SKIP LOCKED

-- name: waiting_patients
SELECT patient_id FROM (
    SELECT patient_id, marked_at AS since FROM evaluation_mark WHERE clinic_id = session_clinic()
    UNION ALL
    SELECT patient_id, marked_at FROM pending_evaluation WHERE clinic_id = session_clinic()
    UNION ALL
    SELECT patient_id, first_seen FROM quarantine
    WHERE clinic_id = session_clinic() AND patient_id IS NOT NULL AND judged_at IS NULL
) AS waiting GROUP BY patient_id ORDER BY min(since)

-- name: claim_set_aside
-- A clock may have named an instant that no calendar here has: what lies ahead was seen when it came.
SELECT id, patient_id, reason, least(measured_at, first_seen), first_seen,
       state IN ('open', 'replay_requested')
FROM quarantine
WHERE clinic_id = session_clinic() AND patient_id IS NOT NULL AND judged_at IS NULL
  AND (%(only)s::uuid IS NULL OR patient_id = %(only)s)
ORDER BY id LIMIT %(size)s FOR UPDATE SKIP LOCKED

-- name: lock_patients
-- One worker at a time writes a patient. In the order of the keys, so that nobody waits in a circle.
SELECT pg_advisory_xact_lock(key) FROM (
    SELECT DISTINCT hashtextextended(session_clinic() || ' ' || patient_id, 7166320002) AS key
    FROM unnest(%(patients)s::uuid[]) AS asked (patient_id) ORDER BY key
) AS keys

-- name: load_samples
-- Each window by the patient's index, whatever the statistics of a new chunk say. Constant bounds
-- beside its own: chunks outside of them are not even planned.
SELECT r.reading_id, w.patient_id, r.kind, r.measured_at, r.stored_at, r.systolic_mmhg,
       r.diastolic_mmhg, r.pulse_per_min, r.glucose_mg_dl, r.weight_kg, r.spo2_pct, r.temperature_c,
       r.heart_rate_per_min, r.sensor_glucose_mg_dl, r.body_fat_pct, r.comparator, r.failed,
       r.control_solution, r.automatic, r.clock_uncertainty_s,
       r.measured_at >= w.judge_from AND r.measured_at < w.judge_until
FROM unnest(%(patients)s::uuid[], %(since)s::timestamptz[], %(judge_from)s::timestamptz[],
            %(judge_until)s::timestamptz[], %(until)s::timestamptz[])
    AS w (patient_id, since, judge_from, judge_until, until)
CROSS JOIN LATERAL (
    SELECT v.reading_id, v.kind, v.measured_at, v.stored_at, v.systolic_mmhg, v.diastolic_mmhg,
           v.pulse_per_min, v.glucose_mg_dl, v.weight_kg, v.spo2_pct, v.temperature_c,
           v.heart_rate_per_min, v.sensor_glucose_mg_dl, v.body_fat_pct, v.comparator, v.failed,
           'control_solution' = ANY(v.flags) AS control_solution,
           v.origin = 'automatic' AS automatic, v.clock_uncertainty_s
    FROM reading_view v
    WHERE v.patient_id = w.patient_id AND v.measured_at >= w.since AND v.measured_at < w.until
      AND v.measured_at >= %(earliest)s AND v.measured_at < %(latest)s
      AND v.kind = ANY(%(kinds)s)
    OFFSET 0
) AS r
ORDER BY w.patient_id, r.measured_at, r.reading_id

-- name: standing_findings
-- Each reading's by index: most have none.
SELECT f.* FROM unnest(%(readings)s::uuid[], %(patients)s::uuid[]) AS judged (reading_id, patient_id)
CROSS JOIN LATERAL (
    SELECT x.patient_id, x.lineage, x.reading_id, x.alert_id, x.rule, x.severity, x.late,
           x.observed, x.limits
    FROM finding x
    WHERE x.clinic_id = session_clinic() AND x.reading_id = judged.reading_id
      AND x.patient_id = judged.patient_id AND x.withdrawn_at IS NULL
    OFFSET 0
) AS f

-- name: withdraw_findings
UPDATE finding f SET withdrawn_at = %(now)s, withdrawn_reason = 'superseded by late data'
FROM unnest(%(patients)s::uuid[], %(lineages)s::text[], %(readings)s::uuid[])
    AS gone (patient_id, lineage, reading_id)
WHERE f.clinic_id = session_clinic() AND f.patient_id = gone.patient_id
  AND f.lineage = gone.lineage AND f.reading_id = gone.reading_id AND f.withdrawn_at IS NULL

-- name: bereft_alerts
-- Acted: whatever a person did about it, on the alert, its task, or in what hangs on that.
SELECT a.id, a.state,
       (SELECT count(*) FROM finding f
        WHERE f.clinic_id = a.clinic_id AND f.alert_id = a.id AND f.withdrawn_at IS NULL),
       a.state = 'resolved' OR a.acknowledged_at IS NOT NULL
       OR EXISTS (
           SELECT FROM alert_event e
           WHERE e.clinic_id = a.clinic_id AND e.alert_id = a.id AND e.actor <> 'rules')
       OR EXISTS (
           SELECT FROM care_task t
           WHERE t.clinic_id = a.clinic_id AND t.alert_id = a.id
             AND (t.state <> 'open' OR t.assignee IS NOT NULL OR t.snoozed_until IS NOT NULL
               OR t.checklist <> '{}' OR t.note <> ''
               OR EXISTS (SELECT FROM contact c
                          WHERE c.clinic_id = t.clinic_id AND c.task_id = t.id)
               OR EXISTS (SELECT FROM time_entry m
                          WHERE m.clinic_id = t.clinic_id AND m.task_id = t.id)
               OR EXISTS (SELECT FROM care_task n
                          WHERE n.clinic_id = t.clinic_id AND n.follows = t.id))),
       a.review_reason IS NOT NULL
FROM alert a WHERE a.clinic_id = session_clinic() AND a.id = ANY(%(alerts)s::uuid[])
ORDER BY a.id

-- name: known_set_aside
-- Withdrawn ones too: bytes that return to a patient take their finding back where that is decided.
SELECT quarantine_id, patient_id FROM finding
WHERE clinic_id = session_clinic() AND quarantine_id = ANY(%(ids)s::bigint[])

-- name: lock_tasks
SELECT id FROM care_task
WHERE clinic_id = session_clinic() AND patient_id = ANY(%(patients)s::uuid[])
  AND alert_id IS NOT NULL AND state <> 'done'
ORDER BY id FOR UPDATE

-- name: lock_alerts
SELECT id FROM alert
WHERE clinic_id = session_clinic() AND patient_id = ANY(%(patients)s::uuid[])
  AND state <> 'resolved'
ORDER BY id FOR UPDATE

-- name: known_alerts
-- Not needed: its task says so.
SELECT a.id, a.patient_id, a.lineage, a.state, a.severity, a.episode, a.starts_at, a.last_at,
       a.state = 'resolved' AND t.outcome IS NOT DISTINCT FROM 'not_needed'
FROM alert a LEFT JOIN care_task t ON t.alert_id = a.id
WHERE a.clinic_id = session_clinic() AND a.patient_id = ANY(%(patients)s::uuid[])
  AND a.lineage = ANY(%(lineages)s)

-- name: open_alerts
INSERT INTO alert (clinic_id, id, patient_id, lineage, state, severity, late, episode, starts_at,
                   last_at, repeat_due_at, opened_at, updated_at)
SELECT session_clinic(), n.*, %(now)s, %(now)s
FROM unnest(%(id)s::uuid[], %(patient_id)s::uuid[], %(lineage)s::text[], %(state)s::text[],
            %(severity)s::text[], %(late)s::boolean[], %(episode)s::int[],
            %(starts_at)s::timestamptz[], %(last_at)s::timestamptz[],
            %(repeat_due_at)s::timestamptz[]) AS n

-- name: open_tasks
INSERT INTO care_task (clinic_id, kind, state, created_at, id, alert_id, patient_id, due_at)
SELECT session_clinic(), 'alert', 'open', %(now)s, n.*
FROM unnest(%(task_id)s::uuid[], %(id)s::uuid[], %(patient_id)s::uuid[],
            %(due_at)s::timestamptz[]) AS n

-- name: store_findings
INSERT INTO finding AS f
    (clinic_id, found_at, alert_id, patient_id, lineage, reading_id, quarantine_id, rule, severity,
     late, measured_at, rules_version, observed, limits)
SELECT session_clinic(), %(now)s, n.*
FROM unnest(%(alert_id)s::uuid[], %(patient_id)s::uuid[], %(lineage)s::text[],
            %(reading_id)s::uuid[], %(quarantine_id)s::bigint[], %(rule)s::text[],
            %(severity)s::text[], %(late)s::boolean[], %(measured_at)s::timestamptz[],
            %(rules_version)s::text[], %(observed)s::jsonb[], %(limits)s::jsonb[]) AS n
ON CONFLICT (clinic_id, patient_id, lineage, reading_id) WHERE reading_id IS NOT NULL
DO UPDATE SET
    found_at = excluded.found_at, alert_id = excluded.alert_id, rule = excluded.rule,
    severity = excluded.severity, late = excluded.late, rules_version = excluded.rules_version,
    observed = excluded.observed, limits = excluded.limits,
    withdrawn_at = NULL, withdrawn_reason = NULL
WHERE f.withdrawn_at IS NOT NULL

-- name: change_alerts
UPDATE alert a SET state = c.state, updated_at = %(now)s,
    repeat_due_at = greatest(a.repeat_due_at, c.repeat_due_at)
FROM unnest(%(id)s::uuid[], %(state)s::text[], %(repeat_due_at)s::timestamptz[])
    AS c (id, state, repeat_due_at)
WHERE a.clinic_id = session_clinic() AND a.id = c.id

-- name: change_tasks
UPDATE care_task t SET due_at = least(t.due_at, c.due_at),
    snoozed_until = CASE WHEN NOT c.wakes THEN t.snoozed_until END,
    snoozed_reason = CASE WHEN NOT c.wakes THEN t.snoozed_reason END
FROM unnest(%(id)s::uuid[], %(due_at)s::timestamptz[], %(wakes)s::boolean[])
    AS c (alert_id, due_at, wakes)
WHERE t.clinic_id = session_clinic() AND t.alert_id = c.alert_id AND t.state <> 'done'

-- name: return_alerts
UPDATE alert a SET state = c.state, repeat_due_at = c.repeat_due_at, opened_at = %(now)s,
    resolved_at = NULL, updated_at = %(now)s
FROM unnest(%(id)s::uuid[], %(state)s::text[], %(repeat_due_at)s::timestamptz[])
    AS c (id, state, repeat_due_at)
WHERE a.clinic_id = session_clinic() AND a.id = c.id

-- name: return_tasks
UPDATE care_task t SET state = 'open', due_at = c.due_at, done_at = NULL, outcome = NULL
FROM unnest(%(id)s::uuid[], %(due_at)s::timestamptz[]) AS c (alert_id, due_at)
WHERE t.clinic_id = session_clinic() AND t.alert_id = c.alert_id

-- name: close_alerts
-- It keeps its last summary: that is what was shown. How it ended is its task's outcome alone: an
-- older console beside this worker has no word for it on an alert.
UPDATE alert SET state = 'resolved', resolved_at = %(now)s,
    repeat_due_at = NULL, updated_at = %(now)s
WHERE clinic_id = session_clinic() AND id = ANY(%(ids)s::uuid[])

-- name: close_tasks
UPDATE care_task SET state = 'done', outcome = 'not_needed', done_at = %(now)s
WHERE clinic_id = session_clinic() AND alert_id = ANY(%(ids)s::uuid[])

-- name: flag_alerts
-- What waits for a person already says why.
UPDATE alert a SET review_reason = coalesce(a.review_reason, c.review_reason), updated_at = %(now)s
FROM unnest(%(id)s::uuid[], %(review_reason)s::text[]) AS c (id, review_reason)
WHERE a.clinic_id = session_clinic() AND a.id = c.id

-- name: unflag_alerts
UPDATE alert a SET review_reason = NULL
WHERE a.clinic_id = session_clinic() AND a.id = ANY(%(alerts)s::uuid[])
  AND a.review_reason = ANY(%(reasons)s::text[]) AND NOT EXISTS (
    SELECT FROM finding f
    WHERE f.clinic_id = a.clinic_id AND f.alert_id = a.id
      AND f.withdrawn_reason = 'superseded by late data')

-- name: tell_story
INSERT INTO alert_event (clinic_id, at, actor, alert_id, event, state, detail)
SELECT session_clinic(), %(now)s, 'rules', n.*
FROM unnest(%(alert_id)s::uuid[], %(event)s::text[], %(state)s::text[], %(detail)s::jsonb[]) AS n

-- name: sum_up_alerts
-- What an open alert says of its findings is computed from all that stand, never added up: so it
-- cannot depend on the order in which they were found, and a withdrawn one leaves no trace.
UPDATE alert a SET starts_at = s.starts_at, last_at = s.last_at, severity = s.severity,
    late = s.late, updated_at = %(now)s
FROM (
    SELECT o.id AS alert_id, f.*
    FROM (
        SELECT id FROM alert
        WHERE clinic_id = session_clinic() AND patient_id = ANY(%(patients)s::uuid[])
          AND state <> 'resolved' OFFSET 0
    ) AS o
    CROSS JOIN LATERAL (
        SELECT min(g.measured_at) AS starts_at, max(g.measured_at) AS last_at,
               bool_and(g.late) AS late,
               (ARRAY['notice', 'warning', 'critical'])[max(array_position(
                   ARRAY['notice', 'warning', 'critical'], g.severity))] AS severity
        FROM finding g
        WHERE g.clinic_id = session_clinic() AND g.alert_id = o.id AND g.withdrawn_at IS NULL
    ) AS f
    WHERE f.starts_at IS NOT NULL
) AS s
WHERE a.id = s.alert_id AND (a.starts_at, a.last_at, a.severity, a.late)
    IS DISTINCT FROM (s.starts_at, s.last_at, s.severity, s.late)

-- name: store_judgements
INSERT INTO judgement (clinic_id, judged_at, reading_id, patient_id, rules_version)
SELECT session_clinic(), %(now)s, n.*
FROM unnest(%(readings)s::uuid[], %(patients)s::uuid[], %(versions)s::text[]) AS n
ON CONFLICT DO NOTHING

-- name: set_aside_judged
UPDATE quarantine SET judged_at = %(now)s WHERE id = ANY(%(ids)s::bigint[])

-- name: marks_judged
-- Those that were claimed and no other: what was marked meanwhile is judged next.
DELETE FROM evaluation_mark WHERE clinic_id = session_clinic() AND id = ANY(%(ids)s::bigint[])

-- name: days_judged
DELETE FROM pending_evaluation p USING unnest(%(patients)s::uuid[], %(days)s::date[])
    AS done (patient_id, day)
WHERE p.clinic_id = session_clinic() AND p.patient_id = done.patient_id AND p.day = done.day
