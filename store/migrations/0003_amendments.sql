-- What belongs to a reading may come after it: a glucose context joins it, never doubles it (I2).
SET LOCAL lock_timeout = '4s';

SET LOCAL ROLE hl_owner;

-- Adds the raw values and context that the readings lack; nothing that is there is taken away.
-- Definer's rights, because ingest only inserts. Returns what was changed: resends change nothing.
CREATE FUNCTION amend_readings(clinics text[], ids uuid[], raws jsonb[], contexts jsonb[])
RETURNS TABLE (clinic_id text, patient_id uuid, measured_at timestamptz, gateway text)
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    UPDATE reading r
    SET raw = r.raw || (SELECT jsonb_agg(v) FROM jsonb_array_elements(a.raw) v
                        WHERE NOT r.raw @> jsonb_build_array(v)),
        context = r.context || a.context
    FROM unnest(clinics, ids, raws, contexts) AS a (clinic_id, reading_id, raw, context)
    JOIN reading_key k USING (clinic_id, reading_id)
    WHERE r.clinic_id = k.clinic_id AND r.reading_id = k.reading_id
      AND r.measured_at = k.measured_at AND NOT r.raw @> a.raw
    RETURNING r.clinic_id, r.patient_id, r.measured_at, r.gateway
$$;

REVOKE ALL ON FUNCTION amend_readings FROM PUBLIC;

GRANT EXECUTE ON FUNCTION amend_readings TO hl_ingest;

RESET ROLE;
