-- name: record
INSERT INTO audit_event (clinic_id, at, actor, action, subject, detail)
VALUES (session_clinic(), %(now)s, %(actor)s, %(action)s, %(subject)s, %(detail)s)

-- name: recent
SELECT at, actor, action, subject, detail FROM audit_event
WHERE clinic_id = session_clinic() AND (%(subject)s::text IS NULL OR subject = %(subject)s)
ORDER BY seq DESC LIMIT %(limit)s
