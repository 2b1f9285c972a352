-- What 0004 adds.
INSERT INTO reading_decision (clinic_id, reading_id, decided_by, decided_at)
VALUES ('{clinic}', md5('{clinic} reading 2')::uuid, md5('{clinic} nurse')::uuid, now());
