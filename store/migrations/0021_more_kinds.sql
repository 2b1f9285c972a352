-- Oximeters, thermometers, heart-rate straps, glucose sensors and body composition. Columns at the
-- end, without a default: no row is written anew, and a columnstore takes them as they are.
SET LOCAL lock_timeout = '4s';

SET LOCAL ROLE hl_owner;

ALTER TABLE reading
    ADD COLUMN spo2_pct double precision,
    ADD COLUMN temperature_c double precision,
    ADD COLUMN heart_rate_per_min double precision,
    ADD COLUMN sensor_glucose_mg_dl double precision,
    ADD COLUMN body_fat_pct double precision;

CREATE OR REPLACE VIEW reading_view WITH (security_barrier) AS
    SELECT * FROM reading WHERE clinic_id = session_clinic();

-- As 0003 has it; and a body composition that joins its weighing later brings its one measurement.
CREATE OR REPLACE FUNCTION amend_readings(
    clinics text[], ids uuid[], raws jsonb[], contexts jsonb[])
RETURNS TABLE (clinic_id text, patient_id uuid, measured_at timestamptz, gateway text)
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    UPDATE reading r
    SET raw = r.raw || (SELECT jsonb_agg(v) FROM jsonb_array_elements(a.raw) v
                        WHERE NOT r.raw @> jsonb_build_array(v)),
        context = r.context || a.context,
        body_fat_pct = coalesce(r.body_fat_pct, CASE r.kind WHEN 'weight' THEN
            (jsonb_path_query_first(a.context, '$.body_fat_pct ? (@.type() == "number")'))::float8
        END)
    FROM unnest(clinics, ids, raws, contexts) AS a (clinic_id, reading_id, raw, context)
    JOIN reading_key k USING (clinic_id, reading_id)
    WHERE r.clinic_id = k.clinic_id AND r.reading_id = k.reading_id
      AND r.measured_at = k.measured_at AND NOT r.raw @> a.raw
    RETURNING r.clinic_id, r.patient_id, r.measured_at, r.gateway
$$;

RESET ROLE;
