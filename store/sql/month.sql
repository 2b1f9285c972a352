-- name: month_enrolled
-- Whoever is enrolled in the clinic on a day of the month, by name: all of them, or the next few.
SELECT p.id AS patient_id FROM patient p
WHERE p.clinic_id = %(clinic)s
  AND EXISTS (SELECT FROM enrolment e
              WHERE e.clinic_id = p.clinic_id AND e.patient_id = p.id
                AND e.during && daterange(%(first)s, %(last)s, '[]'))
  AND (%(after)s::uuid IS NULL
    OR (p.family_name, p.given_name, p.id) > (SELECT a.family_name, a.given_name, a.id
                                              FROM patient a WHERE a.id = %(after)s))
ORDER BY p.family_name, p.given_name, p.id
LIMIT %(most)s

-- name: month_patients
-- Those of them who are enrolled, as their enrolments say; by name.
SELECT p.id AS patient_id, p.family_name, p.given_name, p.birth_date,
       coalesce(p.zone, c.zone) AS zone
FROM patient p
JOIN clinic c ON c.id = p.clinic_id
WHERE p.clinic_id = %(clinic)s AND p.id = ANY(%(patients)s)
ORDER BY p.family_name, p.given_name, p.id

-- name: month_enrolments
-- `before`: first and last days of what remote monitoring the patient had before, the oldest first:
-- 30-day periods go on where somebody leaves and comes back within one.
SELECT e.patient_id, e.programme, e.practitioner, e.qualifying_conditions, e.high_risk_condition,
       e.care_plan_on, e.access_24_7, e.new_or_not_seen_12m, e.initiating_visit_on,
       e.established_patient, lower(e.during) AS since, upper(e.during) - 1 AS until,
       CASE WHEN e.programme = 'RPM' THEN ARRAY(
           SELECT ARRAY[lower(b.during), upper(b.during) - 1] FROM enrolment b
           WHERE b.clinic_id = e.clinic_id AND b.patient_id = e.patient_id
             AND b.programme = 'RPM' AND lower(b.during) < lower(e.during)
           ORDER BY lower(b.during)) END AS before
FROM enrolment e
WHERE e.clinic_id = %(clinic)s
  AND e.patient_id = ANY(%(patients)s)
  AND e.during && daterange(%(first)s, %(last)s, '[]')
ORDER BY e.patient_id, e.programme, lower(e.during)

-- name: month_consents
-- The oldest first: time counts from the first consent that still stands.
SELECT c.patient_id, c.programme, c.practitioner, c.given_at, c.method, c.elements, c.stopped_at
FROM consent c
WHERE c.clinic_id = %(clinic)s
  AND c.patient_id = ANY(%(patients)s)
ORDER BY c.patient_id, c.programme, c.given_at, c.id

-- name: month_entries
-- What is reversed says nothing; what is not confirmed is told apart by its state and status.
SELECT t.patient_id, t.id, t.programme, t.staff_id, t.role, t.activity, t.state, t.status,
       t.interactive, lower(t.during) AS starts_at, upper(t.during) AS ends_at
FROM time_entry t
WHERE t.clinic_id = %(clinic)s
  AND t.patient_id = ANY(%(patients)s)
  AND t.status <> 'reversed'
  AND t.during && tstzrange(%(begins)s, %(ends)s)
ORDER BY t.patient_id, lower(t.during), t.id

-- name: month_reading_days
-- Days of the patient with a successful automatic reading whose person and date are certain. Patients
-- first and their readings by index: so it is as quick before the tables were ever analysed.
WITH monitored AS MATERIALIZED (
    SELECT p.id AS patient_id, coalesce(p.zone, c.zone) AS zone
    FROM patient p
    JOIN clinic c ON c.id = p.clinic_id
    WHERE p.clinic_id = %(clinic)s AND p.id = ANY(%(monitored)s)
)
SELECT p.patient_id, found.days
FROM monitored p
CROSS JOIN LATERAL (
    SELECT array_agg(DISTINCT d.day ORDER BY d.day) AS days
    FROM reading_view r
    CROSS JOIN LATERAL (SELECT (r.measured_at AT TIME ZONE p.zone)::date AS day) d
    CROSS JOIN LATERAL (SELECT make_interval(secs => r.clock_uncertainty_s) AS either_way) u
    WHERE r.patient_id = p.patient_id
      AND r.measured_at >= %(days_from)s AND r.measured_at < %(days_until)s
      AND r.origin = 'automatic' AND NOT r.failed AND NOT r.held
      AND r.kind <> 'undecoded'
      AND NOT 'control_solution' = ANY (r.flags)
      AND ((r.measured_at - u.either_way) AT TIME ZONE p.zone)::date = d.day
      AND ((r.measured_at + u.either_way) AT TIME ZONE p.zone)::date = d.day
) found
WHERE found.days IS NOT NULL
ORDER BY p.patient_id

-- name: month_open_tasks
SELECT t.patient_id, count(*) AS tasks FROM care_task t
WHERE t.clinic_id = %(clinic)s AND t.state <> 'done'
  AND t.patient_id = ANY(%(patients)s)
GROUP BY t.patient_id ORDER BY t.patient_id

-- name: month_signed
-- Which facts were signed, of the months whose signature stands.
SELECT m.patient_id, m.id, m.version, m.facts_sha256, m.rules_version, m.signed_at, m.signed_by_name
FROM signed_month m
WHERE m.clinic_id = %(clinic)s AND m.month = %(first)s AND m.reopened_at IS NULL
  AND m.patient_id = ANY(%(patients)s)
ORDER BY m.patient_id

-- name: month_zone
SELECT zone FROM clinic WHERE id = %(clinic)s

-- name: month_stated
-- What people said of the patients, and did not take back, up to the month's end: set-up and planning
-- are once for an episode, so what came before the month matters too. Days are the patient's.
SELECT f.patient_id, f.kind, f.first_day, f.last_day, f.code, f.by_staff, f.level, f.fda_device,
       f.with_visit, f.personally
FROM billing_fact f
WHERE f.clinic_id = %(clinic)s
  AND f.patient_id = ANY(%(patients)s)
  AND f.reversed_at IS NULL AND f.first_day <= %(last)s::date + 1
ORDER BY f.patient_id, f.first_day, f.recorded_at, f.id

-- name: month_billed
-- What other months that are signed billed, of patients who may have it once for an episode.
WITH signed AS MATERIALIZED (
    SELECT m.patient_id, m.month, convert_from(m.result, 'UTF8')::jsonb -> 'billable' AS lines
    FROM signed_month m
    WHERE m.clinic_id = %(clinic)s AND m.patient_id = ANY(%(asked)s)
      AND m.month = ANY(%(others)s) AND m.reopened_at IS NULL
)
SELECT s.patient_id, 'signed' AS kind, s.month AS first_day, line->>'code' AS code
FROM signed s CROSS JOIN LATERAL jsonb_array_elements(s.lines) AS line
ORDER BY s.patient_id, s.month
