-- name: zones
-- Where each patient's days begin.
SELECT p.id, coalesce(p.zone, c.zone) FROM patient p JOIN clinic c ON c.id = p.clinic_id
WHERE p.clinic_id = session_clinic() AND p.id = ANY(%(patients)s::uuid[])

-- name: put_summaries
-- The spans' days as they are now: what vanished goes, what is new or says something else is written.
WITH new AS MATERIALIZED (
    SELECT * FROM unnest(
        %(patient_id)s::uuid[], %(day)s::date[], %(measure)s::text[], %(readings)s::int[],
        %(below)s::int[], %(above)s::int[], %(minimum)s::float8[], %(maximum)s::float8[],
        %(mean)s::float8[], %(morning_mean)s::float8[], %(evening_mean)s::float8[],
        %(rated)s::int[], %(in_range)s::int[], %(last_at)s::timestamptz[],
        %(last_value)s::float8[], %(last_comparator)s::text[])
    AS n (patient_id, day, measure, readings, below, above, minimum, maximum, mean, morning_mean,
          evening_mean, rated, in_range, last_at, last_value, last_comparator)
), old AS MATERIALIZED (
    SELECT d.* FROM unnest(%(patients)s::uuid[], %(firsts)s::date[], %(lasts)s::date[])
        AS s (patient_id, first, last)
    CROSS JOIN LATERAL (
        SELECT x.ctid AS place, x.* FROM daily_summary x
        WHERE x.clinic_id = session_clinic() AND x.patient_id = s.patient_id
          AND x.day >= s.first AND x.day <= s.last
        OFFSET 0
    ) AS d
), gone AS (
    -- Nobody else writes a patient whose lock is held, so a row is still where it was found.
    DELETE FROM daily_summary WHERE ctid = ANY(ARRAY(
        SELECT o.place FROM old o
        WHERE NOT EXISTS (SELECT FROM new n WHERE n.patient_id = o.patient_id
                          AND n.day = o.day AND n.measure = o.measure)))
    RETURNING 1
), put AS (
    INSERT INTO daily_summary
    SELECT session_clinic(), n.* FROM new n
    LEFT JOIN old o ON o.patient_id = n.patient_id AND o.day = n.day AND o.measure = n.measure
    WHERE o.patient_id IS NULL
       OR (o.readings, o.below, o.above, o.minimum, o.maximum, o.mean, o.morning_mean,
           o.evening_mean, o.rated, o.in_range, o.last_at, o.last_value, o.last_comparator)
          IS DISTINCT FROM
          (n.readings, n.below, n.above, n.minimum, n.maximum, n.mean, n.morning_mean,
           n.evening_mean, n.rated, n.in_range, n.last_at, n.last_value, n.last_comparator)
    ON CONFLICT (clinic_id, patient_id, day, measure) DO UPDATE SET
        readings = excluded.readings, below = excluded.below, above = excluded.above,
        minimum = excluded.minimum, maximum = excluded.maximum, mean = excluded.mean,
        morning_mean = excluded.morning_mean, evening_mean = excluded.evening_mean,
        rated = excluded.rated, in_range = excluded.in_range, last_at = excluded.last_at,
        last_value = excluded.last_value, last_comparator = excluded.last_comparator
    RETURNING 1
)
SELECT (SELECT count(*) FROM put), (SELECT count(*) FROM gone)

-- name: put_reading_days
WITH new AS MATERIALIZED (
    SELECT * FROM unnest(%(day_patients)s::uuid[], %(days)s::date[]) AS n (patient_id, day)
), old AS MATERIALIZED (
    SELECT d.* FROM unnest(%(patients)s::uuid[], %(firsts)s::date[], %(lasts)s::date[])
        AS s (patient_id, first, last)
    CROSS JOIN LATERAL (
        SELECT x.ctid AS place, x.patient_id, x.day FROM reading_day x
        WHERE x.clinic_id = session_clinic() AND x.patient_id = s.patient_id
          AND x.day >= s.first AND x.day <= s.last
        OFFSET 0
    ) AS d
), gone AS (
    DELETE FROM reading_day WHERE ctid = ANY(ARRAY(
        SELECT o.place FROM old o WHERE NOT EXISTS (
            SELECT FROM new n WHERE n.patient_id = o.patient_id AND n.day = o.day)))
    RETURNING 1
), put AS (
    INSERT INTO reading_day
    SELECT session_clinic(), n.patient_id, n.day FROM new n
    WHERE NOT EXISTS (SELECT FROM old o WHERE o.patient_id = n.patient_id AND o.day = n.day)
    RETURNING 1
)
SELECT (SELECT count(*) FROM put), (SELECT count(*) FROM gone)

-- name: clinics_to_summarise
SELECT clinics_to_summarise()

-- name: every_clinic
SELECT all_clinics()

-- name: claim_rebuilds
SELECT patient_id, since FROM summary_rebuild
WHERE clinic_id = session_clinic() AND (%(only)s::uuid IS NULL OR patient_id = %(only)s)
ORDER BY asked_at LIMIT %(size)s FOR UPDATE SKIP LOCKED

-- name: waiting_for_rebuild
SELECT patient_id FROM summary_rebuild WHERE clinic_id = session_clinic() ORDER BY asked_at

-- name: rebuilt
DELETE FROM summary_rebuild WHERE clinic_id = session_clinic() AND patient_id = ANY(%(patients)s)

-- name: patients_after
SELECT id FROM patient WHERE clinic_id = session_clinic()
  AND (%(after)s::uuid IS NULL OR id > %(after)s) ORDER BY id LIMIT %(size)s
