-- Ingest waits for no alert worker. A day to be judged was one row of `pending_evaluation`, which a
-- worker holds until its set is written, and whoever had the same day to mark waited as long. Now each
-- batch appends marks of its own, and a worker removes those that it claimed. Additive: what the old
-- version, an attribution or a re-assignment writes to `pending_evaluation` is drained as before.
SET LOCAL lock_timeout = '4s';

SET LOCAL ROLE hl_owner;

-- A day of a patient that rules have yet to judge (I5); any number of marks of one day cost one
-- evaluation. By id within the clinic, the oldest come first.
CREATE TABLE evaluation_mark (
    clinic_id text NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    patient_id uuid NOT NULL,
    day date NOT NULL,
    marked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (clinic_id, id)
) WITH (
    -- All of it is short-lived: it is swept after so many rows, however many there are. Its file is
    -- never cut, for which everybody would have to stand still; the next backlog needs the room.
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
    autovacuum_vacuum_insert_threshold = -1, autovacuum_analyze_scale_factor = 0,
    autovacuum_analyze_threshold = 5000, autovacuum_vacuum_cost_delay = 0, vacuum_truncate = false
);

CREATE INDEX evaluation_mark_patient_idx ON evaluation_mark (clinic_id, patient_id);

-- One look per clinic, however much waits there.
CREATE OR REPLACE FUNCTION clinics_to_judge() RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT c.id FROM clinic c
    CROSS JOIN LATERAL (
        SELECT FROM evaluation_mark m WHERE m.clinic_id = c.id LIMIT 1
    ) AS waits
    UNION
    SELECT DISTINCT clinic_id FROM pending_evaluation
    UNION
    SELECT DISTINCT clinic_id FROM quarantine
    WHERE patient_id IS NOT NULL AND judged_at IS NULL AND clinic_id IS NOT NULL
$$;

-- As in 0008, and a reading whose day has a mark is work in progress too.
-- Looks at `most` readings of the clinic between two places, the oldest first, and removes those that
-- are past their time and that nothing keeps. Time counts from measuring or storing, whichever was
-- later. Only the administrator may; the rule is read here and not taken from the caller. `dry`:
-- counts the same and removes nothing. Keys stay (I2): what comes again is a duplicate.
CREATE OR REPLACE FUNCTION retain_batch(
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
                SELECT FROM evaluation_mark m
                WHERE m.clinic_id = clinic AND m.patient_id = s.patient_id
                  AND m.day BETWEEN s.measured_at::date - 1 AND s.measured_at::date + 1)
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

ALTER TABLE evaluation_mark ENABLE ROW LEVEL SECURITY;

CREATE POLICY wall ON evaluation_mark TO hl_worker USING (clinic_id = session_clinic());
CREATE POLICY every_clinic ON evaluation_mark FOR INSERT TO hl_ingest WITH CHECK (true);

GRANT INSERT ON evaluation_mark TO hl_ingest;
-- Locking a row asks for the right to change something of it: an identity nobody can change.
GRANT SELECT, DELETE, UPDATE (id) ON evaluation_mark TO hl_worker;

RESET ROLE;
