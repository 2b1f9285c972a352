-- What 0008 adds.
INSERT INTO retention_rule (clinic_id, months, valid_from, reason, set_by, set_at)
VALUES ('{clinic}', 120, now(), 'Policy', md5('{clinic} nurse')::uuid, now());
INSERT INTO legal_hold (clinic_id, reason, placed_by, placed_at)
VALUES ('{clinic}', 'Letter', md5('{clinic} nurse')::uuid, now());
INSERT INTO reading_citation (clinic_id, reading_id, why, measured_at, cited_at)
SELECT clinic_id, reading_id, 'month 2026-11', measured_at, now() FROM reading_key
WHERE clinic_id = '{clinic}' AND reading_id = md5('{clinic} reading 3')::uuid;
