-- What a patient's days came to, by measurement: pages over many patients read these, not readings.
SET LOCAL lock_timeout = '4s';

SET LOCAL ROLE hl_owner;

-- Derived from readings by alert workers, in the transaction that judges a day. Days are the
-- patient's. What a device cannot show (HI, LO) is in `above` or `below` and in no number.
CREATE TABLE daily_summary (
    clinic_id text NOT NULL,
    patient_id uuid NOT NULL,
    day date NOT NULL,
    measure text NOT NULL,  -- the column of a reading, whose name holds the unit
    readings int NOT NULL,
    below int NOT NULL,
    above int NOT NULL,
    minimum double precision,  -- null: none of them has a number
    maximum double precision,
    mean double precision,
    morning_mean double precision,
    evening_mean double precision,
    rated int NOT NULL,  -- of `readings`: a limit was in force that they could be held against
    in_range int NOT NULL,  -- of `rated`: beyond none
    last_at timestamptz NOT NULL,
    last_value double precision,
    last_comparator text,
    PRIMARY KEY (clinic_id, patient_id, day, measure)
);

-- A day that counts as a reading day: an automatic reading whose person and date are certain.
CREATE TABLE reading_day (
    clinic_id text NOT NULL,
    patient_id uuid NOT NULL,
    day date NOT NULL,
    PRIMARY KEY (clinic_id, patient_id, day)
);

-- Whose summaries have to be made anew since when, because what they are made by was changed: where
-- days begin, or a limit. A day with new readings is marked in `pending_evaluation` instead.
CREATE TABLE summary_rebuild (
    clinic_id text NOT NULL,
    patient_id uuid NOT NULL,
    since timestamptz NOT NULL,
    asked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (clinic_id, patient_id)
);

-- Asks for one patient's rebuild; no reading is older.
CREATE FUNCTION ask_rebuild(the_clinic text, the_patient uuid, from_instant timestamptz)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    INSERT INTO summary_rebuild AS s (clinic_id, patient_id, since)
    VALUES (the_clinic, the_patient, greatest(from_instant, '2000-01-01'))
    ON CONFLICT (clinic_id, patient_id)
    DO UPDATE SET since = excluded.since WHERE excluded.since < s.since;
    SELECT pg_notify('pending_evaluation', '')
$$;

CREATE FUNCTION ask_rebuild_of_all(the_clinic text, from_instant timestamptz)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT ask_rebuild(p.clinic_id, p.id, from_instant)
    FROM (SELECT clinic_id, id FROM patient WHERE clinic_id = the_clinic ORDER BY id) AS p
$$;

CREATE FUNCTION zone_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_TABLE_NAME = 'patient' THEN
        PERFORM ask_rebuild(NEW.clinic_id, NEW.id, '2000-01-01');
    ELSE
        PERFORM ask_rebuild_of_all(NEW.id, '2000-01-01');
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER patient_zone_changed AFTER UPDATE OF zone ON patient
    FOR EACH ROW WHEN (OLD.zone IS DISTINCT FROM NEW.zone) EXECUTE FUNCTION zone_changed();

CREATE TRIGGER clinic_zone_changed AFTER UPDATE OF zone ON clinic
    FOR EACH ROW WHEN (OLD.zone IS DISTINCT FROM NEW.zone) EXECUTE FUNCTION zone_changed();

-- A row stands from `valid_from` until it is withdrawn: taking it back changes nothing before that.
CREATE FUNCTION limit_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    from_instant timestamptz := NEW.valid_from;
BEGIN
    IF TG_OP = 'UPDATE' AND (OLD.rule, OLD.value, OLD.valid_from, OLD.patient_id)
            IS NOT DISTINCT FROM (NEW.rule, NEW.value, NEW.valid_from, NEW.patient_id) THEN
        from_instant := greatest(NEW.valid_from, least(OLD.withdrawn_at, NEW.withdrawn_at));
    ELSIF TG_OP = 'UPDATE' THEN
        from_instant := least(OLD.valid_from, NEW.valid_from);
    END IF;
    IF NEW.patient_id IS NULL THEN
        PERFORM ask_rebuild_of_all(NEW.clinic_id, from_instant);
    ELSE
        PERFORM ask_rebuild(NEW.clinic_id, NEW.patient_id, from_instant);
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER clinical_limit_changed AFTER INSERT OR UPDATE ON clinical_limit
    FOR EACH ROW EXECUTE FUNCTION limit_changed();

-- What retention removes is in no summary any more.
CREATE FUNCTION reading_removed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM ask_rebuild(OLD.clinic_id, OLD.patient_id, OLD.measured_at);
    RETURN NULL;
END
$$;

CREATE TRIGGER reading_removed AFTER DELETE ON reading
    FOR EACH ROW WHEN (OLD.patient_id IS NOT NULL) EXECUTE FUNCTION reading_removed();

CREATE FUNCTION clinics_to_summarise() RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT DISTINCT clinic_id FROM summary_rebuild
$$;

REVOKE ALL ON FUNCTION ask_rebuild, ask_rebuild_of_all, zone_changed, limit_changed,
    reading_removed, clinics_to_summarise FROM PUBLIC;

GRANT EXECUTE ON FUNCTION clinics_to_summarise TO hl_worker;

-- What is stored already is summarised by the workers of this release, as soon as one starts.
INSERT INTO summary_rebuild (clinic_id, patient_id, since)
SELECT clinic_id, id, '2000-01-01' FROM patient;

ALTER TABLE daily_summary ENABLE ROW LEVEL SECURITY;
ALTER TABLE reading_day ENABLE ROW LEVEL SECURITY;
ALTER TABLE summary_rebuild ENABLE ROW LEVEL SECURITY;

CREATE POLICY wall ON daily_summary TO hl_api, hl_worker USING (clinic_id = session_clinic());
CREATE POLICY wall ON reading_day TO hl_api, hl_worker USING (clinic_id = session_clinic());
CREATE POLICY wall ON summary_rebuild TO hl_api, hl_worker USING (clinic_id = session_clinic());

GRANT SELECT ON daily_summary, reading_day TO hl_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON daily_summary, reading_day, summary_rebuild TO hl_worker;

RESET ROLE;
