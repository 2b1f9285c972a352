-- What a clinic has after 0001, as that version's services wrote it. {clinic} is its id.
INSERT INTO clinic (id, name, zone) VALUES ('{clinic}', 'Clinic', 'America/New_York');
INSERT INTO patient (id, clinic_id, family_name, given_name, birth_date)
VALUES (md5('{clinic} patient')::uuid, '{clinic}', 'Roe', 'Ann', '1950-02-28');
INSERT INTO home (id, clinic_id, zone)
VALUES (md5('{clinic} home')::uuid, '{clinic}', 'America/New_York');
INSERT INTO gateway (clinic_id, name, home_id)
VALUES ('{clinic}', 'gw-1', md5('{clinic} home')::uuid);
INSERT INTO device (clinic_id, address, kind, model)
VALUES ('{clinic}', 'C0:FF:EE:00:00:01', 'blood_pressure', 'BP');
INSERT INTO assignment (clinic_id, device, patient_id, during)
VALUES ('{clinic}', 'C0:FF:EE:00:00:01', md5('{clinic} patient')::uuid, '[2026-09-01,)');
INSERT INTO reading_key (clinic_id, reading_id, measured_at)
SELECT '{clinic}', md5('{clinic} reading ' || n)::uuid,
       timestamptz '2026-11-20 12:00Z' - n * interval '6 hours'
FROM generate_series(1, 200) AS n;
INSERT INTO reading (
    clinic_id, reading_id, patient_id, device, user_slot, kind, systolic_mmhg, diastolic_mmhg,
    failed, flags, received_at, measured_at, clock_certainty, clock_uncertainty_s, minted, origin,
    raw, context, gateway, envelope_id)
SELECT clinic_id, reading_id, md5('{clinic} patient')::uuid, 'C0:FF:EE:00:00:01', -1,
       'blood_pressure', 191, 93.5, false, ARRAY['irregular_pulse'], measured_at, measured_at,
       'device_clock', 0, false, 'automatic', '[{{"hex": "00"}}]', '{{}}', 'gw-1', 'e'
FROM reading_key WHERE clinic_id = '{clinic}';
INSERT INTO pending_evaluation (clinic_id, patient_id, day)
VALUES ('{clinic}', md5('{clinic} patient')::uuid, '2026-11-20');
INSERT INTO quarantine (clinic_id, gateway, topic, scope, content_hash, payload, reason, detail,
                        patient_id)
VALUES ('{clinic}', 'gw-1', 'hl/v1/{clinic}/gw-1/readings', 'reading', sha256('{clinic}'), '\x7b',
        'implausible', '', md5('{clinic} patient')::uuid);
INSERT INTO gateway_status (clinic_id, gateway, state, at, payload)
VALUES ('{clinic}', 'gw-1', 'online', now(), '{{}}');
INSERT INTO desired_outbox (clinic_id, gateway, payload) VALUES ('{clinic}', 'gw-1', '{{}}');
INSERT INTO audit_event (clinic_id, at, actor, action, subject, detail)
SELECT '{clinic}', now(), 'test', 'chart.read', n::text, '{{"tab": "readings"}}'
FROM generate_series(1, 30) AS n;
