-- What 0011 adds.
INSERT INTO evaluation_mark (clinic_id, patient_id, day)
VALUES ('{clinic}', md5('{clinic} patient')::uuid, '2026-11-20'),
       ('{clinic}', md5('{clinic} patient')::uuid, '2026-11-20');
