-- What 0002 adds.
INSERT INTO staff (id, email, name, password_hash, created_at)
VALUES (md5('{clinic} nurse')::uuid, 'nurse@{clinic}.example', 'N', 'x', now());
INSERT INTO staff_membership (clinic_id, staff_id, role, since)
VALUES ('{clinic}', md5('{clinic} nurse')::uuid, 'nurse', now());
INSERT INTO staff_invitation (token_hash, clinic_id, email, name, role, invited_at, expires_at)
VALUES (sha256('{clinic} invited'), '{clinic}', 'a@{clinic}.example', 'A', 'admin', now(), now());
INSERT INTO web_session (token_hash, staff_id, clinic_id, csrf, started_at, last_seen_at, expires_at)
VALUES (sha256('{clinic} session'), md5('{clinic} nurse')::uuid, '{clinic}', 'x', now(), now(),
        now() + interval '1 hour');
INSERT INTO sign_in_failure (account_hash, source_hash, at)
VALUES (sha256('{clinic}'), sha256('{clinic}'), now());
INSERT INTO clinical_limit (clinic_id, patient_id, rule, value, ucum, valid_from, set_by, set_at)
VALUES ('{clinic}', md5('{clinic} patient')::uuid, 'systolic.high', 150, 'mm[Hg]', now(),
        md5('{clinic} nurse')::uuid, now());
INSERT INTO judgement (clinic_id, reading_id, patient_id, rules_version, judged_at)
VALUES ('{clinic}', md5('{clinic} reading 1')::uuid, md5('{clinic} patient')::uuid, '1', now());
INSERT INTO alert (id, clinic_id, patient_id, lineage, state, severity, late, episode, starts_at,
                   last_at, opened_at, updated_at)
VALUES (md5('{clinic} alert')::uuid, '{clinic}', md5('{clinic} patient')::uuid,
        'blood_pressure.high', 'acknowledged', 'critical', false, 1, now(), now(), now(), now());
INSERT INTO finding (clinic_id, patient_id, lineage, alert_id, reading_id, rule, severity, late,
                     measured_at, observed, limits, rules_version, found_at)
VALUES ('{clinic}', md5('{clinic} patient')::uuid, 'blood_pressure.high',
        md5('{clinic} alert')::uuid, md5('{clinic} reading 1')::uuid, 'systolic.high', 'critical',
        false, now(), '{{"systolic_mmhg": 191}}', '[]', '1', now());
INSERT INTO alert_event (clinic_id, alert_id, at, event, state, actor)
VALUES ('{clinic}', md5('{clinic} alert')::uuid, now(), 'fired', 'firing', 'rules');
INSERT INTO care_task (id, clinic_id, patient_id, alert_id, kind, state, assignee, created_at,
                       due_at)
VALUES (md5('{clinic} task')::uuid, '{clinic}', md5('{clinic} patient')::uuid,
        md5('{clinic} alert')::uuid, 'alert', 'claimed', md5('{clinic} nurse')::uuid, now(),
        now());
INSERT INTO contact (clinic_id, patient_id, task_id, staff_id, at, channel, reached)
VALUES ('{clinic}', md5('{clinic} patient')::uuid, md5('{clinic} task')::uuid,
        md5('{clinic} nurse')::uuid, now(), 'phone', true);
INSERT INTO enrolment (clinic_id, patient_id, programme, practitioner, during, created_by,
                       created_at)
VALUES ('{clinic}', md5('{clinic} patient')::uuid, 'RPM', md5('{clinic} nurse')::uuid,
        '[2026-09-01,)', md5('{clinic} nurse')::uuid, now());
INSERT INTO consent (clinic_id, patient_id, programme, practitioner, given_at, method, elements,
                     recorded_by, recorded_at)
VALUES ('{clinic}', md5('{clinic} patient')::uuid, 'RPM', md5('{clinic} nurse')::uuid, now(),
        'verbal', ARRAY['availability'], md5('{clinic} nurse')::uuid, now());
INSERT INTO time_entry (clinic_id, patient_id, staff_id, task_id, programme, activity, role, source,
                        during, state, status, last_activity_at, created_at)
VALUES ('{clinic}', md5('{clinic} patient')::uuid, md5('{clinic} nurse')::uuid,
        md5('{clinic} task')::uuid, 'RPM', 'call', 'clinical_staff', 'timer',
        '[2026-11-20 12:00Z, 2026-11-20 12:07:30Z)', 'confirmed', 'active', now(), now());
