-- name: queue_page
-- Which tasks, in their order, with the columns whose change makes a row another one: no reading is
-- looked at, so a page that has its rows already may ask for this at every notice.
SELECT page.*, coalesce(f.readings, 0) AS readings, k.at AS contact_at
FROM (
    SELECT t.id AS task_id, t.state AS task_state, t.assignee, t.patient_id, t.alert_id, t.created_at,
           t.due_at, t.snoozed_until, a.severity, a.state AS alert_state, a.review_reason,
           coalesce(a.late, false) AS late, t.due_at < %(now)s AS overdue,
           CASE a.severity WHEN 'critical' THEN 3 WHEN 'warning' THEN 2 ELSE 1 END AS rank
    FROM care_task t
    LEFT JOIN alert a ON a.clinic_id = t.clinic_id AND a.id = t.alert_id
    WHERE t.clinic_id = %(clinic)s
      AND t.id IN (
          SELECT w.id FROM care_task w WHERE w.clinic_id = %(clinic)s AND w.state <> 'done'
          UNION ALL
          -- Closed, and to be looked at again: their readings were found to be somebody else's.
          SELECT w.id FROM alert x
          JOIN care_task w ON w.clinic_id = x.clinic_id AND w.alert_id = x.id AND w.state = 'done'
          WHERE x.clinic_id = %(clinic)s AND x.review_reason IS NOT NULL AND %(tab)s = 'review')
      AND CASE %(tab)s
          WHEN 'medical' THEN (t.snoozed_until IS NULL OR t.snoozed_until <= %(now)s)
               AND NOT coalesce(a.late, false)
          WHEN 'review' THEN (t.snoozed_until IS NULL OR t.snoozed_until <= %(now)s)
               AND (a.late OR t.state = 'done')
          WHEN 'mine' THEN t.assignee = %(viewer)s
          WHEN 'snoozed' THEN t.snoozed_until > %(now)s
          ELSE true END
    ORDER BY rank DESC, late, overdue DESC, t.created_at, t.id
    LIMIT %(limit)s
) page
LEFT JOIN LATERAL (
    SELECT count(*) AS readings FROM finding g
    WHERE g.clinic_id = %(clinic)s AND g.alert_id = page.alert_id AND g.withdrawn_at IS NULL
) f ON page.alert_id IS NOT NULL
LEFT JOIN LATERAL (
    SELECT c.at FROM contact c
    WHERE c.clinic_id = %(clinic)s AND c.patient_id = page.patient_id
    ORDER BY c.at DESC LIMIT 1
) k ON true
ORDER BY page.rank DESC, page.late, page.overdue DESC, page.created_at, page.task_id

-- name: queue_rows
-- What the rows of a page show beside that, by index. Bounds are columns of the page: only a bare
-- comparison gets through the view's barrier to index and chunks.
WITH page AS MATERIALIZED (
    SELECT t.id AS task_id, t.kind, t.title, t.claimed_at, t.snoozed_reason, t.follows, t.assignee,
           t.patient_id, a.id AS alert_id, a.lineage, a.episode, a.starts_at, a.last_at, a.opened_at,
           a.repeat_due_at,
           CASE split_part(a.lineage, '.', 1) WHEN 'glucose' THEN 'glucose' WHEN 'weight' THEN 'weight'
               ELSE 'blood_pressure' END AS reading_kind,
           a.starts_at - INTERVAL '30 days' AS usual_from,
           %(now)s::timestamptz - INTERVAL '14 days' AS series_from,
           least(a.starts_at - INTERVAL '30 days', %(now)s::timestamptz - INTERVAL '14 days')
               AS readings_from
    FROM care_task t
    LEFT JOIN alert a ON a.clinic_id = t.clinic_id AND a.id = t.alert_id
    WHERE t.clinic_id = %(clinic)s AND t.id = ANY(%(tasks)s::uuid[])
)
SELECT page.task_id, page.kind, page.title, page.claimed_at, page.snoozed_reason, page.follows,
       page.lineage, page.episode, page.starts_at, page.last_at, page.opened_at, page.repeat_due_at,
       page.reading_kind,
       p.family_name, p.given_name, p.birth_date, p.sex, p.phone, p.conditions,
       s.name AS assignee_name,
       coalesce(f.findings, '[]') AS findings,
       u.systolic_mmhg AS usual_systolic_mmhg, u.diastolic_mmhg AS usual_diastolic_mmhg,
       u.pulse_per_min AS usual_pulse_per_min, u.glucose_mg_dl AS usual_glucose_mg_dl,
       u.weight_kg AS usual_weight_kg, coalesce(u.series, '[]') AS series,
       k.channel AS contact_channel, k.reached AS contact_reached,
       k.staff_name AS contact_by_name
FROM page
JOIN patient p ON p.clinic_id = %(clinic)s AND p.id = page.patient_id
LEFT JOIN staff s ON s.id = page.assignee
LEFT JOIN LATERAL (
    SELECT jsonb_agg(jsonb_build_object(
               'observed', n.observed, 'limits', n.limits, 'rule', n.rule, 'severity', n.severity,
               'measured_at', n.measured_at, 'reading_id', n.reading_id)
               ORDER BY n.measured_at DESC) FILTER (WHERE n.place <= 3) AS findings
    FROM (SELECT g.*, row_number() OVER (ORDER BY g.measured_at DESC, g.id) AS place
          FROM finding g
          WHERE g.clinic_id = %(clinic)s AND g.alert_id = page.alert_id
            AND g.withdrawn_at IS NULL) n
) f ON page.alert_id IS NOT NULL
LEFT JOIN LATERAL (
    -- One look at the readings serves both: the usual values of 30 days before the alert, and the
    -- line of 14 days before now.
    SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY r.systolic_mmhg)
               FILTER (WHERE r.usual) AS systolic_mmhg,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY r.diastolic_mmhg)
               FILTER (WHERE r.usual) AS diastolic_mmhg,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY r.pulse_per_min)
               FILTER (WHERE r.usual) AS pulse_per_min,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY r.glucose_mg_dl)
               FILTER (WHERE r.usual) AS glucose_mg_dl,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY r.weight_kg)
               FILTER (WHERE r.usual) AS weight_kg,
           jsonb_agg(jsonb_build_array(extract(epoch FROM r.measured_at)::bigint,
               coalesce(r.systolic_mmhg, r.glucose_mg_dl, r.weight_kg), r.diastolic_mmhg,
               r.pulse_per_min) ORDER BY r.measured_at)
               FILTER (WHERE r.measured_at > page.series_from) AS series
    FROM (SELECT v.*, v.measured_at >= page.usual_from AND v.measured_at < page.starts_at AS usual
          FROM reading_view v
          WHERE v.patient_id = page.patient_id AND v.kind = page.reading_kind AND NOT v.failed
            AND v.measured_at >= page.readings_from AND v.measured_at <= %(now)s) r
) u ON page.alert_id IS NOT NULL
LEFT JOIN LATERAL (
    SELECT c.channel, c.reached, w.name AS staff_name
    FROM contact c JOIN staff w ON w.id = c.staff_id
    WHERE c.clinic_id = %(clinic)s AND c.patient_id = page.patient_id
    ORDER BY c.at DESC LIMIT 1
) k ON true

-- name: queue_counts
SELECT count(*) FILTER (WHERE awake AND NOT later) AS medical,
       count(*) FILTER (WHERE awake AND NOT later AND state = 'open') AS waiting,
       min(opened_at) FILTER (WHERE awake AND NOT later AND state = 'open') AS oldest_opened_at,
       count(*) FILTER (WHERE awake AND NOT later AND overdue AND state = 'open') AS overdue,
       count(*) FILTER (WHERE awake AND later)
           + (SELECT count(*) FROM alert x
              WHERE x.clinic_id = %(clinic)s AND x.review_reason IS NOT NULL
                AND x.state = 'resolved') AS review,
       count(*) FILTER (WHERE assignee = %(viewer)s) AS mine,
       count(*) FILTER (WHERE NOT awake) AS snoozed,
       (SELECT count(DISTINCT w.home_id)
        FROM gateway w
        LEFT JOIN gateway_status g ON g.clinic_id = w.clinic_id AND g.gateway = w.name
        WHERE w.clinic_id = %(clinic)s
          AND (g.at IS NULL OR g.state = 'offline' OR g.at < %(now)s - INTERVAL '24 hours'))
           AS silent_homes
FROM (
    SELECT t.state, t.assignee, coalesce(a.opened_at, t.created_at) AS opened_at,
           t.due_at < %(now)s AS overdue,
           t.snoozed_until IS NULL OR t.snoozed_until <= %(now)s AS awake,
           coalesce(a.late, false) AS later
    FROM care_task t
    LEFT JOIN alert a ON a.clinic_id = t.clinic_id AND a.id = t.alert_id
    WHERE t.clinic_id = %(clinic)s AND t.state <> 'done'
) AS waiting

-- name: task_head
SELECT t.id AS task_id, t.kind, t.title, t.state AS task_state, t.assignee, t.claimed_at,
       t.created_at, t.due_at, t.snoozed_until, t.snoozed_reason, t.done_at, t.done_by, t.outcome,
       t.note, t.checklist, t.follows, t.patient_id, s.name AS assignee_name,
       d.name AS done_by_name, a.id AS alert_id, a.lineage, a.severity, a.state AS alert_state,
       coalesce(a.late, false) AS late, a.episode, a.starts_at, a.last_at, a.opened_at,
       a.updated_at, a.repeat_due_at, a.acknowledged_at, a.review_reason, o.alert_id AS follows_alert
FROM care_task t
LEFT JOIN alert a ON a.clinic_id = t.clinic_id AND a.id = t.alert_id
LEFT JOIN care_task o ON o.clinic_id = t.clinic_id AND o.id = t.follows
LEFT JOIN staff s ON s.id = t.assignee
LEFT JOIN staff d ON d.id = t.done_by
WHERE t.clinic_id = %(clinic)s AND t.id = %(task)s

-- name: task_of_alert
SELECT id FROM care_task WHERE clinic_id = %(clinic)s AND alert_id = %(alert)s

-- name: patient_head
SELECT p.id, p.family_name, p.given_name, p.birth_date, p.sex, p.phone, p.record_number,
       p.conditions, p.care_note, coalesce(p.zone, c.zone) AS zone, c.zone AS clinic_zone
FROM patient p JOIN clinic c ON c.id = p.clinic_id
WHERE p.clinic_id = %(clinic)s AND p.id = %(patient)s

-- name: events_of_alert
SELECT e.seq, e.at, e.event, e.state, e.actor, e.detail, s.name AS staff_name
FROM alert_event e
LEFT JOIN staff s ON 'staff:' || s.id = e.actor
WHERE e.clinic_id = %(clinic)s AND e.alert_id = %(alert)s
ORDER BY e.seq

-- name: findings_of_alert
-- The instant is part of a reading's address: without it every chunk would be asked.
SELECT f.id, f.rule, f.severity, f.late, f.measured_at, f.observed, f.limits, f.rules_version,
       f.found_at, f.withdrawn_at, f.withdrawn_reason, f.reading_id, f.quarantine_id,
       r.device, r.user_slot, r.gateway, r.kind, r.origin, r.flags, r.comparator, r.device_time,
       r.received_at, r.stored_at, r.clock_certainty, r.clock_offset_s, r.clock_uncertainty_s,
       r.sequence, r.battery_pct, r.raw, r.context, d.model, d.serial,
       q.reason AS quarantine_reason, q.detail AS quarantine_detail
FROM finding f
LEFT JOIN LATERAL (
    SELECT * FROM reading_view v
    WHERE v.reading_id = f.reading_id AND v.patient_id = f.patient_id
      AND v.measured_at BETWEEN f.measured_at - INTERVAL '1 day'
                            AND f.measured_at + INTERVAL '1 day'
    LIMIT 1) r ON true
LEFT JOIN device d ON d.clinic_id = f.clinic_id AND d.address = r.device
LEFT JOIN quarantine q ON q.id = f.quarantine_id
WHERE f.clinic_id = %(clinic)s AND f.alert_id = %(alert)s
ORDER BY f.measured_at DESC, f.id

-- name: contacts_of_patient
SELECT c.id, c.task_id, c.at, c.channel, c.reached, c.note, s.name AS staff_name
FROM contact c JOIN staff s ON s.id = c.staff_id
WHERE c.clinic_id = %(clinic)s AND c.patient_id = %(patient)s
ORDER BY c.at DESC LIMIT 20

-- name: entries_of_task
SELECT e.id, e.staff_id, s.name AS staff_name, e.programme, e.activity, e.role, e.state, e.status,
       e.stopped_by, e.interactive, e.note, lower(e.during) AS started_at,
       upper(e.during) AS ended_at, e.last_activity_at, e.lease_until, e.reversed_reason
FROM time_entry e JOIN staff s ON s.id = e.staff_id
WHERE e.clinic_id = %(clinic)s AND e.task_id = %(task)s
ORDER BY coalesce(lower(e.during), e.created_at), e.id

-- name: earlier_alerts
SELECT a.id, a.lineage, a.severity, a.state, a.opened_at, a.resolved_at,
       coalesce(a.outcome, t.outcome) AS outcome, a.note, a.episode
FROM alert a LEFT JOIN care_task t ON t.alert_id = a.id
WHERE a.clinic_id = %(clinic)s AND a.patient_id = %(patient)s
  AND a.id IS DISTINCT FROM %(alert)s
ORDER BY a.opened_at DESC LIMIT 5

-- name: usual_and_series
-- The 30 days before an instant, the 14 before now: kind, instant and numbers.
SELECT v.reading_id, v.kind, v.measured_at, v.systolic_mmhg, v.diastolic_mmhg, v.pulse_per_min,
       v.glucose_mg_dl, v.weight_kg, v.comparator, v.origin
FROM reading_view v
WHERE v.patient_id = %(patient)s AND NOT v.failed AND v.measured_at >= %(since)s
ORDER BY v.measured_at
