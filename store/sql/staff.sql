-- name: sign_in_lookup
SELECT staff_id, password_hash FROM sign_in_lookup(%(email)s)

-- name: credentials
SELECT email, password_hash FROM staff WHERE id = %(staff)s

-- name: sign_in_failures
SELECT by_account, by_source FROM sign_in_failures(%(account)s, %(source)s, %(since)s)

-- name: record_sign_in_failure
SELECT record_sign_in_failure(%(account)s, %(source)s, %(now)s)

-- name: set_password
UPDATE staff SET password_hash = %(password_hash)s WHERE id = %(staff)s

-- name: open_session
-- Where somebody works in one clinic only, that one is chosen.
INSERT INTO web_session (token_hash, staff_id, clinic_id, csrf, started_at, last_seen_at, expires_at)
SELECT %(token_hash)s, %(staff)s, (
    SELECT CASE WHEN count(*) = 1 THEN min(clinic_id) END FROM staff_membership
    WHERE staff_id = %(staff)s AND ended_at IS NULL
), %(csrf)s, %(now)s, %(now)s, %(expires_at)s
RETURNING clinic_id

-- name: read_session
SELECT * FROM web_session_lookup(%(token_hash)s)

-- name: touch_session
UPDATE web_session SET last_seen_at = %(now)s WHERE token_hash = %(token_hash)s

-- name: end_session
UPDATE web_session SET ended_at = %(now)s WHERE token_hash = %(token_hash)s AND ended_at IS NULL

-- name: end_sessions
-- All of a person's, but for the one given (null: all).
UPDATE web_session SET ended_at = %(now)s
WHERE staff_id = %(staff)s AND ended_at IS NULL AND token_hash IS DISTINCT FROM %(but)s

-- name: clinics_of_staff
SELECT c.id, c.name, m.role FROM staff_membership m JOIN clinic c ON c.id = m.clinic_id
WHERE m.staff_id = %(staff)s AND m.ended_at IS NULL ORDER BY c.name

-- name: choose_clinic
-- Only a clinic that the session's owner belongs to.
UPDATE web_session s SET clinic_id = %(clinic)s WHERE s.token_hash = %(token_hash)s AND EXISTS (
    SELECT FROM staff_membership m
    WHERE m.staff_id = s.staff_id AND m.clinic_id = %(clinic)s AND m.ended_at IS NULL)
RETURNING clinic_id

-- name: insert_staff
INSERT INTO staff (id, email, name, credential, password_hash, created_at)
VALUES (%(staff)s, %(email)s, %(name)s, %(credential)s, %(password_hash)s, %(now)s)

-- name: insert_membership
-- Somebody who left and comes back is the same member again; who is here keeps their role.
INSERT INTO staff_membership (clinic_id, staff_id, role, since)
VALUES (%(clinic)s, %(staff)s, %(role)s, %(now)s)
ON CONFLICT (clinic_id, staff_id) DO UPDATE SET role = excluded.role, since = excluded.since,
    ended_at = NULL
WHERE staff_membership.ended_at IS NOT NULL

-- name: members
SELECT p.id, p.name, p.email, p.credential, m.role, m.since, m.ended_at
FROM staff_membership m JOIN staff p ON p.id = m.staff_id
WHERE m.clinic_id = session_clinic() ORDER BY m.ended_at IS NOT NULL, p.name

-- name: lock_members
-- Two admins who step down at once must not leave a clinic without one.
SELECT staff_id FROM staff_membership
WHERE clinic_id = session_clinic() AND role = 'admin' AND ended_at IS NULL FOR UPDATE

-- name: set_role
UPDATE staff_membership SET role = %(role)s
WHERE clinic_id = session_clinic() AND staff_id = %(staff)s AND ended_at IS NULL
RETURNING staff_id

-- name: end_membership
UPDATE staff_membership SET ended_at = %(now)s
WHERE clinic_id = session_clinic() AND staff_id = %(staff)s AND ended_at IS NULL
RETURNING staff_id

-- name: insert_invitation
INSERT INTO staff_invitation
    (token_hash, clinic_id, email, name, credential, role, invited_by, invited_at, expires_at)
VALUES (%(token_hash)s, session_clinic(), %(email)s, %(name)s, %(credential)s, %(role)s,
        %(invited_by)s, %(now)s, %(expires_at)s)

-- name: open_invitations
SELECT encode(i.token_hash, 'hex') AS handle, i.email, i.name, i.credential, i.role, i.invited_at,
       i.expires_at, p.name AS invited_by
FROM staff_invitation i LEFT JOIN staff p ON p.id = i.invited_by
WHERE i.clinic_id = session_clinic() AND i.accepted_at IS NULL AND i.withdrawn_at IS NULL
ORDER BY i.invited_at DESC

-- name: withdraw_invitation
UPDATE staff_invitation SET withdrawn_at = %(now)s
WHERE token_hash = %(token_hash)s AND clinic_id = session_clinic() AND accepted_at IS NULL
RETURNING token_hash

-- name: invitation_lookup
SELECT * FROM invitation_lookup(%(token_hash)s)

-- name: take_invitation
-- Once: a second use finds nothing.
UPDATE staff_invitation SET accepted_at = %(now)s
WHERE token_hash = %(token_hash)s AND clinic_id = session_clinic() AND accepted_at IS NULL
  AND withdrawn_at IS NULL AND expires_at > %(now)s
RETURNING email, name, credential, role
