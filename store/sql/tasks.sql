-- name: patient_of_task
SELECT patient_id FROM care_task WHERE clinic_id = %(clinic)s AND id = %(task)s

-- name: lock_alert
-- After its task, as the rules' worker locks them.
SELECT a.id, a.state, a.acknowledged_by FROM alert a
WHERE a.clinic_id = %(clinic)s AND a.id = (
    SELECT t.alert_id FROM care_task t WHERE t.clinic_id = %(clinic)s AND t.id = %(task)s)
FOR UPDATE

-- name: claim_task
-- One statement decides the race: who comes second finds an assignee.
UPDATE care_task
SET state = 'claimed', assignee = %(staff)s, snoozed_until = NULL, snoozed_reason = NULL,
    claimed_at = CASE WHEN assignee = %(staff)s THEN claimed_at ELSE %(now)s END
WHERE clinic_id = %(clinic)s AND id = %(task)s AND state <> 'done'
  AND (assignee IS NULL OR assignee = %(staff)s)
RETURNING id, patient_id, alert_id

-- name: task_for_update
SELECT t.id, t.patient_id, t.alert_id, t.kind, t.state, t.assignee, t.claimed_at, t.done_at,
       t.done_by, t.snoozed_until, a.name AS assignee_name, d.name AS done_by_name
FROM care_task t
LEFT JOIN staff a ON a.id = t.assignee
LEFT JOIN staff d ON d.id = t.done_by
WHERE t.clinic_id = %(clinic)s AND t.id = %(task)s
FOR UPDATE OF t

-- name: hand_over_task
UPDATE care_task
SET state = 'claimed', assignee = %(staff)s, claimed_at = %(now)s, snoozed_until = NULL,
    snoozed_reason = NULL
WHERE clinic_id = %(clinic)s AND id = %(task)s

-- name: release_task
UPDATE care_task SET state = 'open', assignee = NULL, claimed_at = NULL
WHERE clinic_id = %(clinic)s AND id = %(task)s

-- name: finish_task
UPDATE care_task
SET state = 'done', done_at = %(now)s, done_by = %(staff)s, outcome = %(outcome)s, note = %(note)s,
    snoozed_until = NULL, snoozed_reason = NULL
WHERE clinic_id = %(clinic)s AND id = %(task)s

-- name: reopen_task
UPDATE care_task
SET state = 'claimed', done_at = NULL, done_by = NULL, outcome = NULL, note = ''
WHERE clinic_id = %(clinic)s AND id = %(task)s

-- name: snooze_task
UPDATE care_task SET snoozed_until = %(until)s, snoozed_reason = %(reason)s
WHERE clinic_id = %(clinic)s AND id = %(task)s

-- name: tick_step
UPDATE care_task
SET checklist = CASE WHEN %(done)s
    THEN checklist || jsonb_build_object(%(step)s::text,
        jsonb_build_object('at', %(now)s::timestamptz, 'by', %(staff)s::text))
    ELSE checklist - %(step)s::text END
WHERE clinic_id = %(clinic)s AND id = %(task)s
RETURNING checklist

-- name: open_follow_up
-- Hidden until its day begins where the practice is, due when that day ends.
INSERT INTO care_task (clinic_id, patient_id, kind, title, state, created_at, due_at, snoozed_until,
                       snoozed_reason, follows)
SELECT t.clinic_id, t.patient_id, 'follow_up', %(title)s, 'open', %(now)s,
       (%(day)s::date + 1)::timestamp AT TIME ZONE c.zone,
       greatest(%(day)s::date::timestamp AT TIME ZONE c.zone, %(now)s), 'planned', t.id
FROM care_task t JOIN clinic c ON c.id = t.clinic_id
WHERE t.clinic_id = %(clinic)s AND t.id = %(task)s
RETURNING id

-- name: withdraw_follow_ups
UPDATE care_task
SET state = 'done', done_at = %(now)s, done_by = %(staff)s, outcome = 'withdrawn'
WHERE clinic_id = %(clinic)s AND follows = %(task)s AND created_at = %(done_at)s AND state = 'open'

-- name: acknowledge_alert
UPDATE alert
SET state = %(state)s, acknowledged_at = %(now)s, acknowledged_by = %(staff)s, updated_at = %(now)s
WHERE clinic_id = %(clinic)s AND id = %(alert)s

-- name: release_alert
UPDATE alert
SET state = %(state)s, acknowledged_at = NULL, acknowledged_by = NULL, updated_at = %(now)s
WHERE clinic_id = %(clinic)s AND id = %(alert)s

-- name: resolve_alert
UPDATE alert
SET state = %(state)s, resolved_at = %(now)s, resolved_by = %(staff)s, outcome = %(outcome)s,
    note = %(note)s, updated_at = %(now)s
WHERE clinic_id = %(clinic)s AND id = %(alert)s

-- name: reopen_alert
UPDATE alert
SET state = %(state)s, resolved_at = NULL, resolved_by = NULL, outcome = NULL, note = '',
    updated_at = %(now)s
WHERE clinic_id = %(clinic)s AND id = %(alert)s

-- name: insert_alert_event
INSERT INTO alert_event (clinic_id, alert_id, at, event, state, actor, detail)
VALUES (%(clinic)s, %(alert)s, %(now)s, %(event)s, %(state)s, %(actor)s, %(detail)s)

-- name: insert_contact
INSERT INTO contact (clinic_id, patient_id, task_id, staff_id, at, channel, reached, note)
VALUES (%(clinic)s, %(patient)s, %(task)s, %(staff)s, %(now)s, %(channel)s, %(reached)s, %(note)s)
RETURNING id
