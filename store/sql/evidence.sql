-- name: head
-- Whose month it is, and where.
SELECT p.id, p.family_name, p.given_name, p.birth_date, p.sex, p.record_number, p.conditions,
       coalesce(p.zone, c.zone) AS zone, c.id AS clinic_id, c.name AS clinic_name,
       c.zone AS clinic_zone, c.glucose_unit, c.weight_unit
FROM patient p JOIN clinic c ON c.id = p.clinic_id
WHERE p.clinic_id = %(clinic)s AND p.id = %(patient)s

-- name: entries
-- Every entry that touches the month, and what replaced it or was replaced by it, in whatever month
-- that lies: the history of a correction is told whole.
WITH RECURSIVE touched AS (
    SELECT e.id, e.replaces FROM time_entry e
    WHERE e.clinic_id = %(clinic)s AND e.patient_id = %(patient)s
      AND (e.during && tstzrange(%(begins)s, %(ends)s)
        OR (isempty(e.during) AND e.created_at >= %(begins)s AND e.created_at < %(ends)s))
    UNION
    SELECT e.id, e.replaces FROM touched t
    JOIN time_entry e ON e.clinic_id = %(clinic)s AND e.patient_id = %(patient)s
        AND (e.id = t.replaces OR e.replaces = t.id)
)
SELECT e.id, e.staff_id, s.name AS staff_name, s.credential, e.role, e.task_id, e.programme,
       e.activity, e.source, e.state, e.status, e.stopped_by, e.interactive, e.note,
       lower(e.during) AS started_at, upper(e.during) AS ended_at, e.created_at, e.confirmed_at,
       e.reversed_at, r.name AS reversed_by_name, e.reversed_reason, e.replaces, e.review_reason,
       encode(i.file_sha256, 'hex') AS import_sha256, e.import_line
FROM time_entry e
JOIN staff s ON s.id = e.staff_id
LEFT JOIN staff r ON r.id = e.reversed_by
LEFT JOIN time_import i ON i.clinic_id = e.clinic_id AND i.id = e.import_id
WHERE e.clinic_id = %(clinic)s AND e.id IN (SELECT t.id FROM touched t)
ORDER BY coalesce(lower(e.during), e.created_at), e.id

-- name: tasks
-- The tasks that were worked on, and those that these follow.
WITH RECURSIVE worked AS (
    SELECT t.id, t.follows FROM care_task t
    WHERE t.clinic_id = %(clinic)s AND t.id = ANY(%(tasks)s::uuid[])
    UNION
    SELECT t.id, t.follows FROM worked w
    JOIN care_task t ON t.clinic_id = %(clinic)s AND t.id = w.follows
)
SELECT t.id, t.kind, t.title, t.state, t.alert_id, t.follows, t.created_at, t.due_at, t.claimed_at,
       t.done_at, t.outcome, t.note, t.checklist, a.name AS assignee_name, d.name AS done_by_name
FROM care_task t
LEFT JOIN staff a ON a.id = t.assignee
LEFT JOIN staff d ON d.id = t.done_by
WHERE t.clinic_id = %(clinic)s AND t.id IN (SELECT w.id FROM worked w)
ORDER BY t.created_at, t.id

-- name: alerts
SELECT a.id, a.lineage, a.state, a.severity, a.late, a.episode, a.starts_at, a.last_at, a.opened_at,
       a.acknowledged_at, a.resolved_at, a.outcome, a.note, a.review_reason,
       k.name AS acknowledged_by_name, r.name AS resolved_by_name
FROM alert a
LEFT JOIN staff k ON k.id = a.acknowledged_by
LEFT JOIN staff r ON r.id = a.resolved_by
WHERE a.clinic_id = %(clinic)s AND a.patient_id = %(patient)s AND a.id = ANY(%(alerts)s::uuid[])
ORDER BY a.opened_at, a.id

-- name: events
-- The story of each alert, in the order in which it was written.
SELECT e.alert_id, e.at, e.event, e.state, e.actor, s.name AS staff_name
FROM alert_event e
LEFT JOIN staff s ON 'staff:' || s.id = e.actor
WHERE e.clinic_id = %(clinic)s AND e.alert_id = ANY(%(alerts)s::uuid[])
ORDER BY e.alert_id, e.seq

-- name: findings
-- What each alert was opened and kept for. Of a reading that was found to be somebody else's stays
-- that it was there, and no value of it.
SELECT f.id, f.alert_id, f.lineage, f.rule, f.severity, f.late, f.measured_at, f.rules_version,
       f.found_at, f.withdrawn_at, f.withdrawn_reason, f.quarantine_id,
       CASE WHEN theirs THEN f.reading_id END AS reading_id,
       CASE WHEN theirs THEN f.observed ELSE '{}' END AS observed,
       f.limits,
       CASE WHEN theirs THEN q.reason END AS quarantine_reason,
       CASE WHEN theirs THEN encode(q.content_hash, 'hex') END AS quarantine_sha256
FROM finding f
CROSS JOIN LATERAL (SELECT f.withdrawn_reason IS DISTINCT FROM 'reassigned' AS theirs) w
LEFT JOIN quarantine q ON q.id = f.quarantine_id
WHERE f.clinic_id = %(clinic)s AND f.patient_id = %(patient)s
  AND f.alert_id = ANY(%(alerts)s::uuid[])
ORDER BY f.alert_id, f.measured_at, f.id

-- name: counted
-- The readings that make a day count: successful, automatic, of a certain person and date. Asked for
-- many patients at once; the window is a value of the statement, so that chunks are left out. Without
-- the OFFSET the planner may read everybody's readings of that time for one patient's.
WITH asked AS MATERIALIZED (
    SELECT n.patient_id, array_agg(n.day) AS days, coalesce(p.zone, c.zone) AS zone
    FROM unnest(%(patients)s::uuid[], %(days)s::date[]) AS n (patient_id, day)
    JOIN patient p ON p.clinic_id = %(clinic)s AND p.id = n.patient_id
    JOIN clinic c ON c.id = p.clinic_id
    GROUP BY n.patient_id, p.zone, c.zone
)
SELECT a.patient_id, found.reading_id, found.measured_at, found.day
FROM asked a
CROSS JOIN LATERAL (
    SELECT r.reading_id, r.measured_at, d.day
    FROM reading_view r
    CROSS JOIN LATERAL (SELECT (r.measured_at AT TIME ZONE a.zone)::date AS day) d
    CROSS JOIN LATERAL (SELECT make_interval(secs => r.clock_uncertainty_s) AS either_way) u
    WHERE r.patient_id = a.patient_id
      AND r.measured_at >= %(since)s AND r.measured_at < %(until)s
      AND r.origin = 'automatic' AND NOT r.failed AND NOT r.held
      AND r.kind <> 'undecoded'
      AND NOT 'control_solution' = ANY (r.flags)
      AND d.day = ANY (a.days)
      AND ((r.measured_at - u.either_way) AT TIME ZONE a.zone)::date = d.day
      AND ((r.measured_at + u.either_way) AT TIME ZONE a.zone)::date = d.day
    OFFSET 0
) found
ORDER BY a.patient_id, found.measured_at, found.reading_id

-- name: acted_on
-- The readings whose findings opened the alerts that these entries were spent on.
WITH RECURSIVE worked AS (
    SELECT t.id, t.follows, t.alert_id, t.patient_id FROM time_entry e
    JOIN care_task t ON t.clinic_id = e.clinic_id AND t.id = e.task_id
    WHERE e.clinic_id = %(clinic)s AND e.id = ANY(%(entries)s::uuid[])
    UNION
    SELECT t.id, t.follows, t.alert_id, t.patient_id FROM worked w
    JOIN care_task t ON t.clinic_id = %(clinic)s AND t.id = w.follows
)
SELECT DISTINCT f.patient_id, f.reading_id
FROM (SELECT DISTINCT w.alert_id, w.patient_id FROM worked w WHERE w.alert_id IS NOT NULL) w
JOIN finding f ON f.clinic_id = %(clinic)s AND f.alert_id = w.alert_id
    AND f.patient_id = w.patient_id
WHERE f.reading_id IS NOT NULL AND f.withdrawn_reason IS DISTINCT FROM 'reassigned'
ORDER BY f.patient_id, f.reading_id

-- name: readings
-- Those of this patient, with all that each came with. The instant is part of a reading's address:
-- without a window every chunk would be asked.
SELECT r.reading_id, r.measured_at, r.kind, r.systolic_mmhg, r.diastolic_mmhg,
       r.mean_arterial_mmhg, r.pulse_per_min, r.glucose_mg_dl, r.weight_kg, r.bmi_kg_m2, r.height_m,
       r.spo2_pct, r.temperature_c, r.heart_rate_per_min, r.sensor_glucose_mg_dl, r.body_fat_pct,
       r.comparator, r.failed, r.flags, r.device_time, r.received_at, r.stored_at,
       r.clock_certainty, r.clock_offset_s, r.clock_uncertainty_s, r.sequence, r.minted, r.origin,
       r.raw, r.context, r.gateway, r.envelope_id, r.device, r.user_slot,
       d.kind AS device_kind, d.model AS device_model, d.serial AS device_serial,
       lower(a.during) AS assigned_since, upper(a.during) AS assigned_until,
       s.name AS decided_by_name, w.decided_at
FROM reading_view r
LEFT JOIN device d ON d.clinic_id = r.clinic_id AND d.address = r.device
LEFT JOIN assignment a ON a.clinic_id = r.clinic_id AND a.id = r.assignment_id
LEFT JOIN reading_decision w ON w.clinic_id = r.clinic_id AND w.reading_id = r.reading_id
LEFT JOIN staff s ON s.id = w.decided_by
WHERE r.patient_id = %(patient)s AND r.measured_at >= %(since)s AND r.measured_at < %(until)s
  AND r.reading_id = ANY(%(ids)s::uuid[])
ORDER BY r.measured_at, r.reading_id

-- name: contacts
-- In the month, and whatever was tried on the tasks that were worked on.
SELECT c.id, c.task_id, c.staff_id, c.at, c.channel, c.reached, c.note, s.name AS staff_name,
       s.credential
FROM contact c JOIN staff s ON s.id = c.staff_id
WHERE c.clinic_id = %(clinic)s AND c.patient_id = %(patient)s
  AND ((c.at >= %(begins)s AND c.at < %(ends)s) OR c.task_id = ANY(%(tasks)s::uuid[]))
ORDER BY c.at, c.id

-- name: consents
-- All that there ever were until the month ended: what lacked once may explain what does not bill.
SELECT c.id, c.programme, p.name AS practitioner_name, p.credential AS practitioner_credential,
       c.practitioner, c.given_at, c.method, c.elements, r.name AS recorded_by_name, c.recorded_at,
       c.stopped_at
FROM consent c
JOIN staff p ON p.id = c.practitioner
JOIN staff r ON r.id = c.recorded_by
WHERE c.clinic_id = %(clinic)s AND c.patient_id = %(patient)s AND c.given_at < %(ends)s
ORDER BY c.programme, c.given_at, c.id

-- name: enrolments
SELECT e.id, e.programme, e.practitioner, p.name AS practitioner_name,
       p.credential AS practitioner_credential, e.qualifying_conditions, e.high_risk_condition,
       e.care_plan_on, e.access_24_7, e.new_or_not_seen_12m, e.initiating_visit_on,
       e.established_patient, lower(e.during) AS since, upper(e.during) - 1 AS until,
       c.name AS created_by_name, e.created_at
FROM enrolment e
JOIN staff p ON p.id = e.practitioner
JOIN staff c ON c.id = e.created_by
WHERE e.clinic_id = %(clinic)s AND e.patient_id = %(patient)s
  AND e.during && daterange(%(first)s, %(last)s, '[]')
ORDER BY e.programme, lower(e.during)

-- name: statements
-- What nobody measures and somebody said of the month. Set-up and planning are once for an episode, so
-- earlier ones are told as well; and so are those that were taken back.
SELECT f.id, f.kind, f.first_day, f.last_day, f.code, b.name AS by_name,
       b.credential AS by_credential, f.level, f.fda_device, f.with_visit, f.personally, f.note,
       w.name AS recorded_by_name, f.recorded_at, f.replaces, f.reversed_at,
       r.name AS reversed_by_name, f.reversed_reason
FROM billing_fact f
JOIN staff w ON w.id = f.recorded_by
LEFT JOIN staff b ON b.id = f.by_staff
LEFT JOIN staff r ON r.id = f.reversed_by
WHERE f.clinic_id = %(clinic)s AND f.patient_id = %(patient)s
  AND f.first_day <= %(last)s::date + 1
  AND CASE f.kind WHEN 'inpatient_stay' THEN coalesce(f.last_day >= %(first)s::date - 1, true)
      WHEN 'device_setup' THEN true WHEN 'care_planning' THEN true
      ELSE f.first_day >= %(first)s END
ORDER BY f.first_day, f.recorded_at, f.id

-- name: cited
-- What a signature keeps from being removed: the readings that it was given for.
SELECT reading_id, measured_at FROM reading_citation
WHERE clinic_id = %(clinic)s AND why = %(why)s
