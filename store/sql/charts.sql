-- name: series
-- What a chart and the story are made of: every reading of a patient in a window, oldest first.
SELECT reading_id, measured_at, kind, systolic_mmhg, diastolic_mmhg, pulse_per_min, glucose_mg_dl,
       weight_kg, comparator, failed, origin, flags, context ->> 'meal' AS meal
FROM reading_view
WHERE clinic_id = session_clinic() AND patient_id = %(patient)s
  AND measured_at >= %(since)s AND measured_at < %(until)s
ORDER BY measured_at, reading_id

-- name: readings_page
-- Newest first, with everything that a reading came with; whom it was assigned by, and what it raised.
SELECT r.reading_id, r.measured_at, r.kind, r.systolic_mmhg, r.diastolic_mmhg, r.mean_arterial_mmhg,
       r.pulse_per_min, r.glucose_mg_dl, r.weight_kg, r.comparator, r.failed, r.flags, r.context,
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
       a.resolved_at, a.outcome, a.note, a.review_reason, t.id AS task_id, t.due_at,
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
SELECT a.id AS assignment_id, a.device, a.user_slot, d.kind, d.model, d.serial,
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
-- One row a patient. The last reading of a kind is one probe of the index, so that silent patients
-- cost no more than others.
SELECT p.id, p.family_name, p.given_name, p.birth_date, p.record_number, p.phone, p.conditions,
       coalesce(p.zone, c.zone) AS zone,
       bp.systolic_mmhg, bp.diastolic_mmhg, bp.pulse_per_min, bp.comparator AS bp_comparator,
       bp.measured_at AS bp_at,
       glucose.glucose_mg_dl, glucose.comparator AS glucose_comparator, glucose.measured_at AS glucose_at,
       weight.weight_kg, weight.measured_at AS weight_at,
       last.measured_at AS last_at,
       coalesce(open.alerts, 0) AS alerts, open.severity, coalesce(enrolled.programmes, '{}') AS programmes
FROM patient p
JOIN clinic c ON c.id = p.clinic_id
LEFT JOIN LATERAL (
    SELECT r.systolic_mmhg, r.diastolic_mmhg, r.pulse_per_min, r.comparator, r.measured_at
    FROM reading_view r
    WHERE r.clinic_id = session_clinic() AND r.patient_id = p.id AND r.kind = 'blood_pressure'
      AND NOT r.failed AND r.measured_at > %(since)s
    ORDER BY r.measured_at DESC LIMIT 1) bp ON true
LEFT JOIN LATERAL (
    SELECT r.glucose_mg_dl, r.comparator, r.measured_at FROM reading_view r
    WHERE r.clinic_id = session_clinic() AND r.patient_id = p.id AND r.kind = 'glucose'
      AND NOT r.failed AND r.measured_at > %(since)s
    ORDER BY r.measured_at DESC LIMIT 1) glucose ON true
LEFT JOIN LATERAL (
    SELECT r.weight_kg, r.measured_at FROM reading_view r
    WHERE r.clinic_id = session_clinic() AND r.patient_id = p.id AND r.kind = 'weight'
      AND NOT r.failed AND r.measured_at > %(since)s
    ORDER BY r.measured_at DESC LIMIT 1) weight ON true
LEFT JOIN LATERAL (
    SELECT r.measured_at FROM reading_view r
    WHERE r.clinic_id = session_clinic() AND r.patient_id = p.id
    ORDER BY r.measured_at DESC LIMIT 1) last ON true
LEFT JOIN LATERAL (
    SELECT count(*) AS alerts,
           (array_agg(a.severity ORDER BY
               array_position(ARRAY['critical', 'warning', 'notice'], a.severity)))[1] AS severity
    FROM alert a
    WHERE a.clinic_id = p.clinic_id AND a.patient_id = p.id AND a.state <> 'resolved') open ON true
LEFT JOIN LATERAL (
    SELECT array_agg(e.programme ORDER BY e.programme) AS programmes FROM enrolment e
    WHERE e.clinic_id = p.clinic_id AND e.patient_id = p.id
      AND e.during @> (%(now)s AT TIME ZONE c.zone)::date) enrolled ON true
WHERE p.clinic_id = session_clinic()
ORDER BY p.family_name, p.given_name, p.id LIMIT %(limit)s

-- name: reading_days
-- Days of the patient on which a device brought a measurement, and those with one beyond a limit.
SELECT d.patient_id, array_agg(d.day) AS days,
       array_agg(d.day) FILTER (WHERE EXISTS (
           SELECT FROM finding f
           WHERE f.clinic_id = session_clinic() AND f.patient_id = d.patient_id
             AND f.reading_id IS NOT NULL AND f.withdrawn_at IS NULL
             AND (f.measured_at AT TIME ZONE d.zone)::date = d.day)) AS out
FROM (
    SELECT DISTINCT r.patient_id, z.zone, (r.measured_at AT TIME ZONE z.zone)::date AS day
    FROM reading_view r
    JOIN (SELECT p.id, coalesce(p.zone, c.zone) AS zone
          FROM patient p JOIN clinic c ON c.id = p.clinic_id) z ON z.id = r.patient_id
    WHERE r.clinic_id = session_clinic() AND r.measured_at >= %(since)s
      AND r.measured_at < %(until)s AND r.origin = 'automatic' AND NOT r.failed
      AND r.kind <> 'undecoded'
      AND (%(patient)s::uuid IS NULL OR r.patient_id = %(patient)s)
) d
GROUP BY d.patient_id

-- name: month_work
-- Confirmed time of a month of the practice: what minutes are summed from.
SELECT e.patient_id, e.programme, e.role, e.activity, lower(e.during) AS started_at,
       upper(e.during) AS ended_at
FROM time_entry e
WHERE e.clinic_id = session_clinic() AND e.status = 'active' AND e.state = 'confirmed'
  AND e.during && tstzrange(%(starts_at)s, %(ends_at)s)
