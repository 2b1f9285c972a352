-- What 0017 adds.
INSERT INTO rule_table (clinic_id, sha256, rules, kept_at)
VALUES ('{clinic}', encode(sha256('covers_from = 2025-01-01'), 'hex'), 'covers_from = 2025-01-01',
        now());
INSERT INTO signed_month (clinic_id, patient_id, month, version, as_of, facts, facts_sha256, result,
                          result_sha256, rules_sha256, rules_version, signed_by, signed_by_name,
                          signed_at)
SELECT '{clinic}', md5('{clinic} patient')::uuid, '2026-09-01', 1, '2026-10-01', '\x7b7d',
       encode(sha256('\x7b7d'), 'hex'), '\x7b7d', encode(sha256('\x7b7d'), 'hex'), t.sha256,
       left(t.sha256, 12), md5('{clinic} nurse')::uuid, 'N', now()
FROM rule_table t WHERE t.clinic_id = '{clinic}';
UPDATE signed_month SET reopened_at = now(), reopened_by = signed_by, reopened_reason = 'Wrong'
WHERE clinic_id = '{clinic}';
INSERT INTO month_lock (clinic_id, month, locked_by, locked_at)
VALUES ('{clinic}', '2026-08-01', md5('{clinic} nurse')::uuid, now());
INSERT INTO month_evaluation (clinic_id, patient_id, month, facts_sha256, rules_version, as_of,
                              result, computed_at)
VALUES ('{clinic}', md5('{clinic} patient')::uuid, '2026-10-01', repeat('0', 64), repeat('0', 12),
        '2026-11-01', '\x7b7d', now());
