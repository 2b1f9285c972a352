"""A clinic full of history, made in the database itself: what the queue is timed on."""

from __future__ import annotations

PATIENTS = """
INSERT INTO patient (clinic_id, family_name, given_name)
SELECT 'north', 'Roe', 'P' || n FROM generate_series(1, %(patients)s) n
"""

READINGS = """
INSERT INTO reading (clinic_id, reading_id, patient_id, device, user_slot, kind, systolic_mmhg,
    diastolic_mmhg, pulse_per_min, glucose_mg_dl, weight_kg, failed, flags, received_at,
    measured_at, clock_certainty, clock_uncertainty_s, minted, origin, raw, context, gateway,
    envelope_id)
SELECT 'north', gen_random_uuid(), p.id, 'C0:FF:EE:00:00:01', -1, k.kind,
    CASE k.kind WHEN 'blood_pressure' THEN 130 + (d * 7 + k.n) %% 20 END,
    CASE k.kind WHEN 'blood_pressure' THEN 80 + d %% 10 END,
    CASE k.kind WHEN 'blood_pressure' THEN 70 END,
    CASE k.kind WHEN 'glucose' THEN 120 + d END,
    CASE k.kind WHEN 'weight' THEN 80 END,
    false, '{}', t.at, t.at, 'device_clock', 1, false, 'automatic', '[]', '{}', 'gw-1', 'e'
FROM patient p
CROSS JOIN generate_series(0, %(days)s - 1) d
CROSS JOIN (VALUES ('blood_pressure', 1), ('blood_pressure', 2), ('glucose', 3), ('weight', 4))
    AS k (kind, n)
CROSS JOIN LATERAL (SELECT %(now)s::timestamptz - d * INTERVAL '1 day'
    - k.n * INTERVAL '3 hours' AS at) t
WHERE p.clinic_id = 'north'
"""

ALERTS = """
WITH opened AS (
    INSERT INTO alert (clinic_id, patient_id, lineage, state, severity, late, episode, starts_at,
                       last_at, opened_at, updated_at)
    SELECT 'north', p.id, l.lineage, 'firing', 'warning', false, 1, t.at, t.at, t.at, t.at
    FROM (SELECT id, row_number() OVER (ORDER BY id) n FROM patient WHERE clinic_id = 'north'
          LIMIT %(alerts)s) p
    CROSS JOIN (VALUES ('blood_pressure.high')) l (lineage)
    CROSS JOIN LATERAL (SELECT %(now)s::timestamptz - p.n * INTERVAL '1 minute' AS at) t
    RETURNING *
), found AS (
    INSERT INTO finding (clinic_id, patient_id, lineage, alert_id, reading_id, rule, severity, late,
                         measured_at, observed, limits, rules_version, found_at)
    SELECT o.clinic_id, o.patient_id, o.lineage, o.id, gen_random_uuid(), 'systolic_high',
           'warning', false, o.starts_at + n * INTERVAL '1 second', '{"systolic_mmhg": 170}', '[]',
           '1', o.opened_at
    FROM opened o CROSS JOIN generate_series(1, 4) n
)
INSERT INTO care_task (clinic_id, patient_id, alert_id, kind, state, created_at, due_at)
SELECT clinic_id, patient_id, id, 'alert', 'open', opened_at, opened_at + INTERVAL '4 hours'
FROM opened
"""


async def fill(conn, *, patients, days, alerts, now):
    values = {"patients": patients, "days": days, "alerts": alerts, "now": now}
    for statement in (PATIENTS, READINGS, ALERTS):
        await conn.execute(statement, values)
    await conn.execute("ANALYZE")
