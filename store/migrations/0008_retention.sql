-- How long a clinic keeps readings, what is never removed, and removing the rest bit by bit.
SET LOCAL lock_timeout = '4s';

SET LOCAL ROLE hl_owner;

-- Dated: of the rows that are valid, the one set last stands. None: readings are kept for ever.
CREATE TABLE retention_rule (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    clinic_id text NOT NULL REFERENCES clinic,
    months int CHECK (months BETWEEN 12 AND 1200),  -- null: for ever
    valid_from timestamptz NOT NULL,
    reason text NOT NULL,
    set_by uuid NOT NULL REFERENCES staff,
    set_at timestamptz NOT NULL
);

CREATE INDEX retention_rule_idx ON retention_rule (clinic_id, set_at DESC);

-- Nothing of the clinic, or of the patient, is removed while one of these is not released.
CREATE TABLE legal_hold (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    clinic_id text NOT NULL REFERENCES clinic,
    patient_id uuid,  -- null: the whole clinic
    reason text NOT NULL,
    placed_by uuid NOT NULL REFERENCES staff,
    placed_at timestamptz NOT NULL,
    released_by uuid REFERENCES staff,
    released_at timestamptz,
    release_reason text,
    FOREIGN KEY (clinic_id, patient_id) REFERENCES patient (clinic_id, id),
    CHECK (num_nonnulls(released_by, released_at, release_reason) IN (0, 3))
);

CREATE INDEX legal_hold_open_idx ON legal_hold (clinic_id, patient_id) WHERE released_at IS NULL;

-- Readings that something signed rests on: a month, a report. They stay as long as it does (I8).
CREATE TABLE reading_citation (
    clinic_id text NOT NULL REFERENCES clinic,
    reading_id uuid NOT NULL,
    why text NOT NULL,  -- 'month <key>': what cites it
    measured_at timestamptz NOT NULL,
    cited_at timestamptz NOT NULL,
    PRIMARY KEY (clinic_id, reading_id, why),
    FOREIGN KEY (clinic_id, reading_id) REFERENCES reading_key (clinic_id, reading_id)
);

-- Removing waits for these and these for removing, so that a hold holds from the moment it is there.
CREATE FUNCTION lock_retention() RETURNS void LANGUAGE sql
SET search_path = public, pg_temp AS $$
    SELECT pg_advisory_xact_lock(716632, hashtext(session_clinic()))
$$;

CREATE FUNCTION lock_retention_trigger() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(716632, hashtext(NEW.clinic_id));
    RETURN NEW;
END
$$;

CREATE TRIGGER legal_hold_waits BEFORE INSERT ON legal_hold
    FOR EACH ROW EXECUTE FUNCTION lock_retention_trigger();

CREATE TRIGGER retention_rule_waits BEFORE INSERT ON retention_rule
    FOR EACH ROW EXECUTE FUNCTION lock_retention_trigger();

-- Cites readings; whatever signs calls it in its own transaction. The answer are those that are gone
-- already: nothing may be signed that rests on them. Definer's rights: readers touch no hypertable.
CREATE FUNCTION cite_readings(ids uuid[], the_reason text, at timestamptz) RETURNS SETOF uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    clinic text := session_clinic();
BEGIN
    PERFORM lock_retention();
    INSERT INTO reading_citation (clinic_id, reading_id, why, measured_at, cited_at)
    SELECT clinic, r.reading_id, the_reason, r.measured_at, at
    FROM reading_key k
    JOIN reading r ON r.clinic_id = k.clinic_id AND r.reading_id = k.reading_id
        AND r.measured_at = k.measured_at
    WHERE k.clinic_id = clinic AND k.reading_id = ANY(ids)
    ON CONFLICT (clinic_id, reading_id, why) DO NOTHING;
    RETURN QUERY
        SELECT wanted.id FROM unnest(ids) AS wanted (id)
        WHERE NOT EXISTS (
            SELECT FROM reading_citation c
            WHERE c.clinic_id = clinic AND c.reading_id = wanted.id AND c.why = the_reason);
END
$$;

-- The rule in force, and the instant before which its readings are past their time; null: for ever.
CREATE FUNCTION retention_cutoff(at timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT at - make_interval(months => r.months) FROM retention_rule r
    WHERE r.clinic_id = session_clinic() AND r.valid_from <= at
    ORDER BY r.set_at DESC, r.id LIMIT 1
$$;

-- Looks at `most` readings of the clinic between two places, the oldest first, and removes those that
-- are past their time and that nothing keeps. Time counts from measuring or storing, whichever was
-- later. Only the administrator may; the rule is read here and not taken from the caller. `dry`:
-- counts the same and removes nothing. Keys stay (I2): what comes again is a duplicate.
CREATE FUNCTION retain_batch(
    at timestamptz, after_at timestamptz, after_id uuid, until_at timestamptz, most int, dry boolean)
RETURNS TABLE (looked bigint, removed bigint, on_hold bigint, cited bigint, at_work bigint,
               came_late bigint, last_at timestamptz, last_id uuid)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    clinic text := session_clinic();
    cutoff timestamptz;
BEGIN
    -- No re-assignment moves a reading to somebody on hold meanwhile.
    PERFORM pg_advisory_xact_lock_shared(7166320001);
    PERFORM lock_retention();
    cutoff := retention_cutoff(at);
    RETURN QUERY
    WITH seen AS MATERIALIZED (
        SELECT r.reading_id, r.measured_at, r.patient_id, r.held, r.stored_at
        FROM reading r
        WHERE r.clinic_id = clinic AND r.measured_at >= after_at AND r.measured_at < until_at
          AND r.measured_at < cutoff AND (r.measured_at, r.reading_id) > (after_at, after_id)
        ORDER BY r.measured_at, r.reading_id LIMIT most
    ), told AS MATERIALIZED (
        SELECT s.reading_id, s.measured_at, CASE
            WHEN EXISTS (
                SELECT FROM legal_hold h
                WHERE h.clinic_id = clinic AND h.released_at IS NULL
                  -- Nobody's readings may turn out to be theirs; and what was theirs once is
                  -- what people acted on.
                  AND (h.patient_id IS NULL OR s.patient_id IS NULL OR h.patient_id = s.patient_id
                    OR EXISTS (
                        SELECT FROM finding f
                        WHERE f.clinic_id = clinic AND f.reading_id = s.reading_id
                          AND f.patient_id = h.patient_id)))
                THEN 'hold'
            WHEN EXISTS (
                SELECT FROM reading_citation c
                WHERE c.clinic_id = clinic AND c.reading_id = s.reading_id) THEN 'cited'
            WHEN s.held
              OR EXISTS (
                SELECT FROM pending_evaluation p
                WHERE p.clinic_id = clinic AND p.patient_id = s.patient_id
                  AND p.day BETWEEN s.measured_at::date - 1 AND s.measured_at::date + 1)
              OR EXISTS (
                SELECT FROM finding f JOIN alert a ON a.clinic_id = clinic AND a.id = f.alert_id
                WHERE f.clinic_id = clinic AND f.reading_id = s.reading_id
                  AND (a.state <> 'resolved' OR a.review_reason IS NOT NULL)) THEN 'work'
            WHEN s.stored_at >= cutoff THEN 'late'
        END AS kept_by
        FROM seen s
    ), gone AS (
        DELETE FROM reading r USING told t
        WHERE NOT dry AND t.kept_by IS NULL AND r.clinic_id = clinic
          AND r.measured_at >= after_at AND r.measured_at < until_at
          AND r.measured_at = t.measured_at AND r.reading_id = t.reading_id
    )
    SELECT count(*), count(*) FILTER (WHERE t.kept_by IS NULL),
           count(*) FILTER (WHERE t.kept_by = 'hold'), count(*) FILTER (WHERE t.kept_by = 'cited'),
           count(*) FILTER (WHERE t.kept_by = 'work'), count(*) FILTER (WHERE t.kept_by = 'late'),
           max(t.measured_at),
           (array_agg(t.reading_id ORDER BY t.measured_at DESC, t.reading_id DESC))[1]
    FROM told t;
END
$$;

-- An empty chunk costs planning time for ever. Ingest waits meanwhile: what it is about to store
-- must not fall into a chunk that is going. Whether it went.
CREATE FUNCTION drop_chunk_if_empty(the_chunk regclass) RETURNS boolean
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    bounds record;
    filled boolean;
BEGIN
    PERFORM pg_advisory_xact_lock(7166320001);
    SELECT c.range_start, c.range_end INTO bounds FROM timescaledb_information.chunks c
    WHERE c.hypertable_name = 'reading'
      AND format('%I.%I', c.chunk_schema, c.chunk_name)::regclass = the_chunk;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', the_chunk);
    EXECUTE format('SELECT EXISTS (SELECT FROM %s)', the_chunk) INTO filled;
    IF filled THEN
        RETURN false;
    END IF;
    PERFORM drop_chunks('reading', older_than => bounds.range_end, newer_than => bounds.range_start);
    RETURN true;
END
$$;

REVOKE ALL ON FUNCTION lock_retention, lock_retention_trigger, cite_readings, retention_cutoff,
    retain_batch, drop_chunk_if_empty FROM PUBLIC;

GRANT EXECUTE ON FUNCTION cite_readings TO hl_api;

ALTER TABLE retention_rule ENABLE ROW LEVEL SECURITY;
ALTER TABLE legal_hold ENABLE ROW LEVEL SECURITY;
ALTER TABLE reading_citation ENABLE ROW LEVEL SECURITY;

CREATE POLICY wall ON retention_rule TO hl_api, hl_worker USING (clinic_id = session_clinic());
CREATE POLICY wall ON legal_hold TO hl_api, hl_worker USING (clinic_id = session_clinic());
CREATE POLICY wall ON reading_citation TO hl_api, hl_worker USING (clinic_id = session_clinic());

GRANT SELECT, INSERT ON retention_rule, legal_hold TO hl_api;
GRANT UPDATE (released_by, released_at, release_reason) ON legal_hold TO hl_api;
GRANT SELECT ON reading_citation TO hl_api;

RESET ROLE;
