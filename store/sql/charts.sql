-- name: series
-- What a chart and the story are made of: every reading of a patient in a window, oldest first.
SELECT reading_id, measured_at, kind, systolic_mmhg, diastolic_mmhg, pulse_per_min, glucose_mg_dl,
       weight_kg, spo2_pct, temperature_c, heart_rate_per_min, sensor_glucose_mg_dl, body_fat_pct,
       comparator, failed, origin, flags, context ->> 'meal' AS meal
FROM reading_view
WHERE clinic_id = session_clinic() AND patient_id = %(patient)s
  AND measured_at >= %(since)s AND measured_at < %(until)s
ORDER BY measured_at, reading_id

-- name: readings_page
-- Newest first, with everything that a reading came with; whom it was assigned by, and what it raised.
SELECT r.reading_id, r.measured_at, r.kind, r.systolic_mmhg, r.diastolic_mmhg, r.mean_arterial_mmhg,
       r.pulse_per_min, r.glucose_mg_dl, r.weight_kg, r.spo2_pct, r.temperature_c,
       r.heart_rate_per_min, r.sensor_glucose_mg_dl, r.body_fat_pct, r.comparator, r.failed,
       r.flags, r.context,
       r.device, r.user_slot, r.device_time, r.received_at, r.clock_certainty, r.clock_offset_s,
       r.clock_uncertainty_s, r.sequence, r.origin, r.battery_pct, r.raw, r.gateway,
       lower(a.during) AS assigned_since, upper(a.during) AS assigned_until, f.severity, f.task_id
FROM (
    SELECT * FROM reading_view
    WHERE clinic_id = session_clinic() AND patient_id = %(patient)s
      AND (%(kind)s::text IS NULL OR kind = %(kind)s)
    ORDER BY measured_at DESC, reading_id LIMIT %(limit)s OFFSET %(offset)s
) r
LEFT JOIN assignment a ON a.clinic_id = r.clinic_id AND a.id = r.assignment_id
LEFT JOIN LATERAL (
    SELECT g.severity, t.id AS task_id
    FROM finding g LEFT JOIN care_task t ON t.clinic_id = g.clinic_id AND t.alert_id = g.alert_id
    WHERE g.clinic_id = r.clinic_id AND g.patient_id = %(patient)s AND g.reading_id = r.reading_id
      AND g.withdrawn_at IS NULL
    ORDER BY array_position(ARRAY['critical', 'warning', 'notice'], g.severity) LIMIT 1
) f ON true
ORDER BY r.measured_at DESC, r.reading_id

-- name: count_readings
SELECT kind, count(*) AS readings FROM reading_view
WHERE clinic_id = session_clinic() AND patient_id = %(patient)s GROUP BY kind

-- name: alerts_of_patient
SELECT a.id, a.lineage, a.state, a.severity, a.late, a.episode, a.starts_at, a.last_at, a.opened_at,
       a.resolved_at, coalesce(a.outcome, t.outcome) AS outcome, a.note, a.review_reason,
       t.id AS task_id, t.due_at,
       s.name AS assignee_name, r.name AS resolved_by_name, f.observed, f.findings
FROM alert a
LEFT JOIN care_task t ON t.clinic_id = a.clinic_id AND t.alert_id = a.id
LEFT JOIN staff s ON s.id = t.assignee
LEFT JOIN staff r ON r.id = a.resolved_by
LEFT JOIN LATERAL (
    SELECT (array_agg(g.observed ORDER BY g.measured_at DESC))[1] AS observed, count(*) AS findings
    FROM finding g
    WHERE g.clinic_id = a.clinic_id AND g.alert_id = a.id AND g.withdrawn_at IS NULL
) f ON true
WHERE a.clinic_id = session_clinic() AND a.patient_id = %(patient)s
ORDER BY a.state = 'resolved', a.opened_at DESC LIMIT %(limit)s

-- name: count_alerts
SELECT count(*) FROM alert WHERE clinic_id = session_clinic() AND patient_id = %(patient)s

-- name: contacts_of_patient
SELECT c.at, c.channel, c.reached, c.note, c.task_id, s.name AS staff_name
FROM contact c JOIN staff s ON s.id = c.staff_id
WHERE c.clinic_id = session_clinic() AND c.patient_id = %(patient)s
ORDER BY c.at DESC LIMIT %(limit)s

-- name: devices_of_patient
-- Who holds which device and slot, since when, what came from it, and how its battery is.
SELECT a.id AS assignment_id, a.device, d.key AS device_key, a.user_slot, d.kind, d.model, d.serial,
       lower(a.during) AS since, upper(a.during) AS until, l.measured_at AS last_measured_at,
       l.battery_pct, l.gateway, l.readings
FROM assignment a
JOIN device d ON d.clinic_id = a.clinic_id AND d.address = a.device
LEFT JOIN LATERAL (
    SELECT max(r.measured_at) AS measured_at, count(*) AS readings,
           (array_agg(r.battery_pct ORDER BY r.measured_at DESC)
            FILTER (WHERE r.battery_pct IS NOT NULL))[1] AS battery_pct,
           (array_agg(r.gateway ORDER BY r.measured_at DESC))[1] AS gateway
    FROM reading_view r
    WHERE r.clinic_id = session_clinic() AND r.patient_id = %(patient)s
      AND r.assignment_id = a.id
) l ON true
WHERE a.clinic_id = session_clinic() AND a.patient_id = %(patient)s
ORDER BY upper(a.during) IS NOT NULL, lower(a.during) DESC

-- name: population
-- One row a patient, from the summaries of their last days and not from readings: the newest of each
-- measurement, the reading days, and the days with a finding.
WITH listed AS MATERIALIZED (
    SELECT p.id, p.clinic_id, p.family_name, p.given_name, p.birth_date, p.record_number,
           p.conditions, coalesce(p.zone, c.zone) AS zone, c.zone AS clinic_zone
    FROM patient p JOIN clinic c ON c.id = p.clinic_id
    WHERE p.clinic_id = session_clinic()
      AND (%(search)s = '' OR position(lower(%(search)s) IN lower(
          concat_ws(' ', p.given_name, p.family_name, p.given_name, p.record_number,
                    array_to_string(p.conditions, ' ')))) > 0)
    ORDER BY p.family_name, p.given_name, p.id LIMIT %(limit)s
), beyond AS (
    SELECT f.patient_id, array_agg(f.measured_at) AS instants
    FROM finding f
    WHERE f.clinic_id = session_clinic() AND f.reading_id IS NOT NULL AND f.withdrawn_at IS NULL
      AND f.measured_at >= %(since)s AND f.measured_at < %(now)s
    GROUP BY f.patient_id
), waiting AS (
    SELECT a.patient_id, count(*) AS alerts,
           (array_agg(a.severity ORDER BY
               array_position(ARRAY['critical', 'warning', 'notice'], a.severity)))[1] AS severity
    FROM alert a WHERE a.clinic_id = session_clinic() AND a.state <> 'resolved'
    GROUP BY a.patient_id
)
SELECT p.id, p.family_name, p.given_name, p.birth_date, p.record_number, p.conditions, p.zone,
       last.systolic_mmhg, last.diastolic_mmhg, last.bp_comparator, last.bp_at,
       last.glucose_mg_dl, last.glucose_comparator, last.glucose_at,
       last.weight_kg, last.weight_at, last.spo2_pct, last.spo2_at, last.temperature_c,
       last.temperature_at,
       coalesce((
           SELECT max(d.last_at) FROM daily_summary d
           WHERE d.clinic_id = session_clinic() AND d.patient_id = p.id
             AND d.day >= (%(since)s AT TIME ZONE p.zone)::date AND d.last_at < %(now)s), (
           SELECT max(d.last_at) FROM daily_summary d
           WHERE d.clinic_id = session_clinic() AND d.patient_id = p.id)) AS last_at,
       ARRAY(SELECT d.day FROM reading_day d
             WHERE d.clinic_id = session_clinic() AND d.patient_id = p.id
               AND d.day >= (%(since)s AT TIME ZONE p.zone)::date
               AND d.day <= (%(now)s AT TIME ZONE p.zone)::date) AS days,
       ARRAY(SELECT DISTINCT (i AT TIME ZONE p.zone)::date FROM unnest(b.instants) i) AS days_out,
       coalesce(a.alerts, 0) AS alerts, a.severity,
       ARRAY(SELECT e.programme FROM enrolment e
             WHERE e.clinic_id = p.clinic_id AND e.patient_id = p.id
               AND e.during @> (%(now)s AT TIME ZONE p.clinic_zone)::date
             ORDER BY e.programme) AS programmes
FROM listed p
CROSS JOIN LATERAL (
    -- A blood pressure is two measurements of one instant.
    SELECT max(n.last_value) FILTER (WHERE n.measure = 'systolic_mmhg' AND n.last_at = n.bp_at)
               AS systolic_mmhg,
           max(n.last_value) FILTER (WHERE n.measure = 'diastolic_mmhg' AND n.last_at = n.bp_at)
               AS diastolic_mmhg,
           max(n.last_comparator) FILTER (WHERE n.is_pressure AND n.last_at = n.bp_at)
               AS bp_comparator,
           max(n.bp_at) AS bp_at,
           max(n.last_value) FILTER (WHERE n.measure = 'glucose_mg_dl') AS glucose_mg_dl,
           max(n.last_comparator) FILTER (WHERE n.measure = 'glucose_mg_dl') AS glucose_comparator,
           max(n.last_at) FILTER (WHERE n.measure = 'glucose_mg_dl') AS glucose_at,
           max(n.last_value) FILTER (WHERE n.measure = 'weight_kg') AS weight_kg,
           max(n.last_at) FILTER (WHERE n.measure = 'weight_kg') AS weight_at,
           max(n.last_value) FILTER (WHERE n.measure = 'spo2_pct') AS spo2_pct,
           max(n.last_at) FILTER (WHERE n.measure = 'spo2_pct') AS spo2_at,
           max(n.last_value) FILTER (WHERE n.measure = 'temperature_c') AS temperature_c,
           max(n.last_at) FILTER (WHERE n.measure = 'temperature_c') AS temperature_at
    FROM (
        SELECT m.*, d.*, max(d.last_at) FILTER (WHERE m.is_pressure) OVER () AS bp_at
        FROM (VALUES ('systolic_mmhg', true), ('diastolic_mmhg', true), ('glucose_mg_dl', false),
                     ('weight_kg', false), ('spo2_pct', false), ('temperature_c', false)) AS m (measure, is_pressure)
        CROSS JOIN LATERAL (
            SELECT s.last_at, s.last_value, s.last_comparator FROM daily_summary s
            WHERE s.clinic_id = session_clinic() AND s.patient_id = p.id
              AND s.measure = m.measure AND s.day >= (%(since)s AT TIME ZONE p.zone)::date
              AND s.last_at >= %(since)s AND s.last_at < %(now)s
            ORDER BY s.day DESC LIMIT 1
        ) AS d
    ) AS n
) AS last
LEFT JOIN beyond b ON b.patient_id = p.id
LEFT JOIN waiting a ON a.patient_id = p.id
ORDER BY p.family_name, p.given_name, p.id

-- name: month_work
-- Confirmed time of a month of the practice: what minutes are summed from.
SELECT e.patient_id, e.programme, e.role, e.activity, lower(e.during) AS started_at,
       upper(e.during) AS ended_at
FROM time_entry e
WHERE e.clinic_id = session_clinic() AND e.status = 'active' AND e.state = 'confirmed'
  AND e.during && tstzrange(%(starts_at)s, %(ends_at)s)

-- name: header
-- Who the patient is and how things stand, in one row.
SELECT p.id, p.family_name, p.given_name, p.birth_date, p.record_number, p.sex, p.phone,
       coalesce(p.zone, c.zone) AS zone, p.conditions, p.care_note,
       coalesce(
           (SELECT max(r.measured_at) FROM reading_view r
            WHERE r.clinic_id = session_clinic() AND r.patient_id = p.id
              AND r.measured_at > %(now)s - INTERVAL '7 days'),
           (SELECT max(r.measured_at) FROM reading_view r
            WHERE r.clinic_id = session_clinic() AND r.patient_id = p.id)) AS last_at,
       alerts.open AS alerts, alerts.severity, alerts.review,
       waiting.entries AS waiting_entries, tasks.next_id AS task_id,
       EXISTS (
           SELECT FROM assignment a
           JOIN assignment o ON o.clinic_id = a.clinic_id AND o.device = a.device
               AND o.patient_id <> a.patient_id AND o.during @> %(now)s::timestamptz
           WHERE a.clinic_id = p.clinic_id AND a.patient_id = p.id
             AND a.during @> %(now)s::timestamptz) AS shares_device
FROM patient p
JOIN clinic c ON c.id = p.clinic_id
LEFT JOIN LATERAL (
    SELECT count(*) AS open, count(a.review_reason) AS review,
           (array_agg(a.severity ORDER BY
               array_position(ARRAY['critical', 'warning', 'notice'], a.severity)))[1] AS severity
    FROM alert a
    WHERE a.clinic_id = p.clinic_id AND a.patient_id = p.id AND a.state <> 'resolved') alerts ON true
LEFT JOIN LATERAL (
    SELECT count(*) AS entries FROM time_entry e
    WHERE e.clinic_id = p.clinic_id AND e.patient_id = p.id
      AND ((e.state = 'stopped' AND e.status = 'active') OR e.status = 'held')) waiting ON true
LEFT JOIN LATERAL (
    SELECT t.id AS next_id FROM care_task t
    WHERE t.clinic_id = p.clinic_id AND t.patient_id = p.id AND t.state <> 'done'
    ORDER BY t.due_at LIMIT 1) tasks ON true
WHERE p.clinic_id = session_clinic() AND p.id = %(patient)s

-- name: entry_of_patient
-- Whose ledger an entry is in.
SELECT patient_id, coalesce(lower(during), created_at) AS started_at FROM time_entry
WHERE clinic_id = session_clinic() AND id = %(entry)s

-- name: patient_of_enrolment
SELECT patient_id FROM enrolment WHERE clinic_id = session_clinic() AND id = %(key)s

-- name: patient_of_consent
SELECT patient_id FROM consent WHERE clinic_id = session_clinic() AND id = %(key)s
