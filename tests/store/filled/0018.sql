-- What 0018 adds.
INSERT INTO rate_table (clinic_id, name, source, locality, during, file_sha256, loaded_by, loaded_at)
VALUES ('{clinic}', '2026 01112-05', 'PFALL26.txt, payment amounts', '01112-05',
        '[2026-01-01,2027-01-01)', repeat('0', 64), md5('{clinic} nurse')::uuid, now());
INSERT INTO rate (clinic_id, table_id, code, amount)
SELECT clinic_id, id, '99490', 71.25 FROM rate_table WHERE clinic_id = '{clinic}';
