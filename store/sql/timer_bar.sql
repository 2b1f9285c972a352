-- name: timer_shown
-- The one running timer of the session's own person; no patient's name across the wall of a clinic.
SELECT e.id AS entry_id, e.task_id, e.clinic_id, e.programme,
       greatest(extract(epoch FROM %(now)s - lower(e.during)), 0)::float8 AS seconds,
       p.given_name || ' ' || p.family_name AS patient
FROM time_entry e
LEFT JOIN patient p ON p.clinic_id = e.clinic_id AND p.id = e.patient_id
WHERE e.staff_id = session_staff() AND e.state = 'running' AND e.status = 'active'
  AND e.lease_until >= %(now)s
