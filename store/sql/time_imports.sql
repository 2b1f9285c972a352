-- name: lock_imports
-- One at a time for a clinic: the second finds what the first one made.
SELECT pg_advisory_xact_lock(hashtextextended('time import ' || %(clinic)s, 0))

-- name: begin_import
INSERT INTO time_import (clinic_id, file_sha256, columns, imported_by, imported_at)
VALUES (%(clinic)s, %(sha256)s, %(columns)s, %(by)s, %(now)s)
ON CONFLICT ON CONSTRAINT time_import_once DO NOTHING
RETURNING id

-- name: member_by
SELECT s.id, m.role
FROM staff_membership m JOIN staff s ON s.id = m.staff_id AND s.disabled_at IS NULL
WHERE m.clinic_id = %(clinic)s AND m.ended_at IS NULL
  AND (lower(s.email) = lower(%(who)s) OR s.id::text = %(who)s)

-- name: patients_by_record
SELECT id, record_number FROM patient
WHERE clinic_id = %(clinic)s AND record_number = ANY (%(numbers)s)

-- name: members_by_address
SELECT lower(s.email) AS address, s.id, m.role, m.since, m.ended_at
FROM staff_membership m JOIN staff s ON s.id = m.staff_id
WHERE m.clinic_id = %(clinic)s AND lower(s.email) = ANY (%(addresses)s)

-- name: import_entry
-- What overlaps the person's own time on another patient is held, and so is what somebody took back
-- before: a file that grows from day to day must not undo that. The very same entry is not made
-- again, whichever file brings it.
INSERT INTO time_entry (clinic_id, patient_id, staff_id, programme, activity, role, source, during,
                        state, status, last_activity_at, interactive, note, created_at,
                        confirmed_at, import_id, import_line)
SELECT %(clinic)s, %(patient)s, %(staff)s, %(programme)s, %(activity)s, %(role)s, 'manual', asked,
       'confirmed',
       CASE WHEN %(held)s OR EXISTS (
           SELECT FROM time_entry o
           WHERE o.staff_id = %(staff)s AND o.patient_id <> %(patient)s AND o.during && asked
             AND o.status = 'active') OR EXISTS (
           SELECT FROM time_entry o
           WHERE o.clinic_id = %(clinic)s AND o.staff_id = %(staff)s
             AND o.patient_id = %(patient)s AND o.programme = %(programme)s AND o.during = asked
             AND o.status = 'reversed') THEN 'held' ELSE 'active' END,
       %(ends_at)s, %(interactive)s, %(note)s, %(now)s, %(now)s, %(import)s, %(line)s
FROM (SELECT tstzrange(%(starts_at)s, %(ends_at)s) AS asked) AS given
WHERE NOT EXISTS (
    SELECT FROM time_entry o
    WHERE o.clinic_id = %(clinic)s AND o.staff_id = %(staff)s AND o.patient_id = %(patient)s
      AND o.programme = %(programme)s AND o.activity = %(activity)s AND o.during = asked
      AND o.status <> 'reversed')
RETURNING status

-- name: keep_reject
INSERT INTO time_import_reject (clinic_id, import_id, line, reason, cells)
VALUES (%(clinic)s, %(import)s, %(line)s, %(reason)s, %(cells)s)

-- name: import_columns
SELECT columns FROM time_import WHERE clinic_id = %(clinic)s AND id = %(import)s

-- name: rejects_of
SELECT line, reason, cells FROM time_import_reject
WHERE clinic_id = %(clinic)s AND import_id = %(import)s
ORDER BY line
