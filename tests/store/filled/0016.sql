-- What 0016 adds.
INSERT INTO billing_fact (clinic_id, patient_id, kind, first_day, last_day, recorded_by, recorded_at)
VALUES ('{clinic}', md5('{clinic} patient')::uuid, 'inpatient_stay', '2026-11-02', '2026-11-05',
        md5('{clinic} nurse')::uuid, now());
INSERT INTO billing_policy (clinic_id, valid_from, qhp_time_counts_as_staff, caps, reason, set_by,
                            set_at)
VALUES ('{clinic}', '2026-11-01', true, '{{"99439": 1}}', 'The board decided',
        md5('{clinic} nurse')::uuid, now());
