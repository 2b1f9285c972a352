-- Whose readings these are, put right afterwards: nothing that was judged stays with the wrong
-- patient, and everything that was done on it is flagged for a person to look at again.
SET LOCAL lock_timeout = '4s';

SET LOCAL ROLE hl_owner;

-- Where a device is expected before it has been heard; afterwards its readings say where it is.
ALTER TABLE device
    ADD COLUMN home_id uuid,
    ADD COLUMN label text NOT NULL DEFAULT '',
    -- What stands for it in the console's addresses, where a Bluetooth address may not.
    ADD COLUMN key uuid NOT NULL DEFAULT gen_random_uuid(),
    ADD UNIQUE (clinic_id, key),
    ADD FOREIGN KEY (clinic_id, home_id) REFERENCES home (clinic_id, id);

-- What a person decided about one reading that no period decides: whose it is, or nobody's.
CREATE TABLE reading_decision (
    clinic_id text NOT NULL REFERENCES clinic,
    reading_id uuid NOT NULL,
    patient_id uuid,  -- null: nobody's, a visitor's or a trial
    decided_by uuid NOT NULL REFERENCES staff,
    decided_at timestamptz NOT NULL,
    PRIMARY KEY (clinic_id, reading_id),
    FOREIGN KEY (clinic_id, patient_id) REFERENCES patient (clinic_id, id)
);

-- What a person has to look at again: few, and asked for with every look at the queue.
CREATE INDEX alert_review_idx ON alert (clinic_id, id) WHERE review_reason IS NOT NULL;

CREATE INDEX finding_of_reading_idx ON finding (clinic_id, reading_id) WHERE reading_id IS NOT NULL;

-- The same bytes are judged for the first patient and, after a re-assignment, for the second.
DROP INDEX finding_quarantine_idx;

CREATE UNIQUE INDEX finding_quarantine_idx ON finding (clinic_id, quarantine_id, patient_id)
    WHERE quarantine_id IS NOT NULL;

CREATE INDEX quarantine_device_idx ON quarantine (clinic_id, device, user_slot)
    WHERE device IS NOT NULL;

-- Whose readings nobody knows: the waiting list of every clinic, a small part of all readings.
CREATE INDEX reading_nobody_idx ON reading (clinic_id, device, user_slot, measured_at DESC)
    WHERE patient_id IS NULL;

-- The readings of a device and slot in a period that are not `to_patient`'s yet. What a person held
-- or set aside moves only if asked for; `uncertain`: its clock cannot say on which side it is.
CREATE FUNCTION readings_to_move(
    the_device text, the_slot int, period tstzrange, to_patient uuid, undecided boolean)
RETURNS TABLE (reading_id uuid, from_patient uuid, kind text, measured_at timestamptz,
               gateway text, uncertain boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT r.reading_id, r.patient_id,
           CASE WHEN r.patient_id IS NOT NULL THEN 'patient' WHEN r.held THEN 'held'
                WHEN d.reading_id IS NOT NULL THEN 'set_aside' ELSE 'unassigned' END,
           r.measured_at, r.gateway,
           least(abs(extract(epoch FROM r.measured_at - lower(period))),
                 abs(extract(epoch FROM upper(period) - r.measured_at))) < r.clock_uncertainty_s
    FROM reading r
    LEFT JOIN reading_decision d
        ON d.clinic_id = r.clinic_id AND d.reading_id = r.reading_id AND d.patient_id IS NULL
    WHERE r.clinic_id = session_clinic() AND r.device = the_device AND r.user_slot = the_slot
      AND r.measured_at >= coalesce(lower(period), '-infinity')
      AND r.measured_at < coalesce(upper(period), 'infinity')
      AND r.patient_id IS DISTINCT FROM to_patient
      AND (undecided OR r.patient_id IS NOT NULL OR (NOT r.held AND d.reading_id IS NULL))
$$;

CREATE FUNCTION quarantine_to_move(
    the_device text, the_slot int, period tstzrange, to_patient uuid)
RETURNS TABLE (quarantine_id bigint, from_patient uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT q.id, q.patient_id FROM quarantine q
    WHERE q.clinic_id = session_clinic() AND q.device = the_device AND q.user_slot = the_slot
      AND period @> q.measured_at AND q.patient_id IS DISTINCT FROM to_patient
$$;

-- The tasks of these alerts, and what was planned to follow them.
CREATE FUNCTION tasks_of_alerts(alerts uuid[]) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH RECURSIVE task AS (
        SELECT t.id FROM care_task t WHERE t.clinic_id = session_clinic() AND t.alert_id = ANY(alerts)
        UNION
        SELECT t.id FROM care_task t JOIN task p ON t.follows = p.id
        WHERE t.clinic_id = session_clinic()
    )
    SELECT id FROM task
$$;

-- What a re-assignment would do, a row per patient who loses readings and per kind; changes nothing.
CREATE FUNCTION reassign_effect(
    the_device text, the_slot int, period tstzrange, to_patient uuid, undecided boolean)
RETURNS TABLE (from_patient uuid, kind text, readings bigint, days bigint, first_at timestamptz,
               last_at timestamptz, uncertain bigint, quarantined bigint, open_alerts bigint,
               closed_alerts bigint, entries bigint, seconds bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH moving AS MATERIALIZED (
        SELECT m.*, (m.measured_at AT TIME ZONE h.zone)::date AS day
        FROM readings_to_move(the_device, the_slot, period, to_patient, undecided) m
        LEFT JOIN gateway w ON w.clinic_id = session_clinic() AND w.name = m.gateway
        LEFT JOIN home h ON h.id = w.home_id
    ), bytes AS MATERIALIZED (
        SELECT * FROM quarantine_to_move(the_device, the_slot, period, to_patient)
    ), sums AS (
        SELECT m.from_patient, m.kind, count(*) AS readings, count(DISTINCT m.day) AS days,
               min(m.measured_at) AS first_at, max(m.measured_at) AS last_at,
               count(*) FILTER (WHERE m.uncertain) AS uncertain
        FROM moving m GROUP BY m.from_patient, m.kind
    ), byte_sums AS (
        SELECT b.from_patient,
               CASE WHEN b.from_patient IS NULL THEN 'unassigned' ELSE 'patient' END AS kind,
               count(*) AS quarantined
        FROM bytes b GROUP BY b.from_patient
    ), alerts AS (
        SELECT f.patient_id, a.id, a.state
        FROM finding f JOIN alert a ON a.clinic_id = f.clinic_id AND a.id = f.alert_id
        WHERE f.clinic_id = session_clinic() AND f.withdrawn_at IS NULL
          AND f.patient_id IS DISTINCT FROM to_patient
          AND (f.reading_id IN (SELECT m.reading_id FROM moving m)
            OR f.quarantine_id IN (SELECT b.quarantine_id FROM bytes b))
        GROUP BY f.patient_id, a.id, a.state
    ), alert_sums AS (
        SELECT a.patient_id, count(*) FILTER (WHERE a.state <> 'resolved') AS open_alerts,
               count(*) FILTER (WHERE a.state = 'resolved') AS closed_alerts,
               array_agg(a.id) AS ids
        FROM alerts a GROUP BY a.patient_id
    )
    SELECT touched.from_patient, touched.kind, coalesce(s.readings, 0), coalesce(s.days, 0), s.first_at, s.last_at,
           coalesce(s.uncertain, 0), coalesce(b.quarantined, 0), coalesce(a.open_alerts, 0),
           coalesce(a.closed_alerts, 0), coalesce(e.entries, 0), coalesce(e.seconds, 0)
    FROM (SELECT s.from_patient, s.kind FROM sums s
          UNION SELECT b.from_patient, b.kind FROM byte_sums b) AS touched (from_patient, kind)
    LEFT JOIN sums s ON s.from_patient IS NOT DISTINCT FROM touched.from_patient
        AND s.kind = touched.kind
    LEFT JOIN byte_sums b ON b.from_patient IS NOT DISTINCT FROM touched.from_patient
        AND b.kind = touched.kind
    LEFT JOIN alert_sums a ON a.patient_id = touched.from_patient
    LEFT JOIN LATERAL (
        SELECT count(*) AS entries, floor(coalesce(sum(extract(epoch FROM
            coalesce(upper(t.during), t.last_activity_at) - lower(t.during))), 0))::bigint AS seconds
        FROM time_entry t
        WHERE t.clinic_id = session_clinic() AND t.status <> 'reversed'
          AND t.task_id IN (SELECT tasks_of_alerts(a.ids))
    ) AS e ON true
    ORDER BY 2, 1
$$;

-- Cuts, splits and ends the assignments that stand in the way, and puts the new one there; periods of
-- the same patient that meet become one. The answer is null where the period becomes nobody's.
CREATE FUNCTION fit_assignment(the_device text, the_slot int, period tstzrange, to_patient uuid)
RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    clinic text := session_clinic();
    old assignment;
    rest tstzrange[];
    piece uuid;
    kept uuid;
    whole tstzrange := period;
BEGIN
    FOR old IN
        SELECT * FROM assignment a
        WHERE a.clinic_id = clinic AND a.device = the_device AND a.user_slot = the_slot
          AND a.during && period AND a.patient_id IS DISTINCT FROM to_patient
        ORDER BY lower(a.during) FOR UPDATE
    LOOP
        rest := ARRAY(SELECT unnest(tstzmultirange(old.during) - tstzmultirange(period)));
        IF cardinality(rest) = 0 THEN
            DELETE FROM assignment WHERE id = old.id;
        ELSE
            UPDATE assignment SET during = rest[1] WHERE id = old.id;
        END IF;
        IF cardinality(rest) = 2 THEN
            INSERT INTO assignment (clinic_id, device, user_slot, patient_id, during)
            VALUES (clinic, the_device, the_slot, old.patient_id, rest[2]) RETURNING id INTO piece;
            UPDATE reading SET assignment_id = piece
            WHERE clinic_id = clinic AND device = the_device AND user_slot = the_slot
              AND measured_at >= lower(rest[2])
              AND measured_at < coalesce(upper(rest[2]), 'infinity') AND assignment_id = old.id;
        END IF;
    END LOOP;
    IF to_patient IS NULL THEN
        RETURN NULL;
    END IF;
    FOR old IN
        SELECT * FROM assignment a
        WHERE a.clinic_id = clinic AND a.device = the_device AND a.user_slot = the_slot
          AND a.patient_id = to_patient AND (a.during && period OR a.during -|- period)
        ORDER BY lower(a.during) FOR UPDATE
    LOOP
        whole := range_merge(whole, old.during);
        IF kept IS NULL THEN
            kept := old.id;
        ELSE
            UPDATE reading SET assignment_id = kept
            WHERE clinic_id = clinic AND device = the_device AND user_slot = the_slot
              AND measured_at >= coalesce(lower(old.during), '-infinity')
              AND measured_at < coalesce(upper(old.during), 'infinity') AND assignment_id = old.id;
            DELETE FROM assignment WHERE id = old.id;
        END IF;
    END LOOP;
    IF kept IS NULL THEN
        INSERT INTO assignment (clinic_id, device, user_slot, patient_id, during)
        VALUES (clinic, the_device, the_slot, to_patient, whole) RETURNING id INTO kept;
    ELSE
        UPDATE assignment SET during = whole WHERE id = kept;
    END IF;
    RETURN kept;
END
$$;

-- Moves readings and quarantined bytes to a patient, or to nobody, with all that hangs on them:
-- findings are withdrawn (and given back where they return), alerts sum up what is left and are
-- flagged, so is the time spent on them, and the touched days of both patients are judged anew.
CREATE FUNCTION give_readings(
    ids uuid[], bytes bigint[], to_patient uuid, the_assignment uuid, at timestamptz)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    clinic text := session_clinic();
    lost uuid[];
    regained uuid[];
BEGIN
    -- Alerts before what belongs to them, as everybody locks them.
    PERFORM FROM alert a
    WHERE a.clinic_id = clinic AND a.id IN (
        SELECT f.alert_id FROM finding f
        WHERE f.clinic_id = clinic AND (f.reading_id = ANY(ids) OR f.quarantine_id = ANY(bytes)))
    ORDER BY a.id FOR UPDATE;

    WITH gone AS (
        UPDATE finding SET withdrawn_at = at, withdrawn_reason = 'reassigned'
        WHERE clinic_id = clinic AND (reading_id = ANY(ids) OR quarantine_id = ANY(bytes))
          AND patient_id IS DISTINCT FROM to_patient AND withdrawn_at IS NULL
        RETURNING alert_id
    ) SELECT array_agg(DISTINCT alert_id) INTO lost FROM gone;

    WITH back AS (
        UPDATE finding SET withdrawn_at = NULL, withdrawn_reason = NULL
        WHERE clinic_id = clinic AND (reading_id = ANY(ids) OR quarantine_id = ANY(bytes))
          AND patient_id = to_patient AND withdrawn_reason = 'reassigned'
        RETURNING alert_id
    ) SELECT array_agg(DISTINCT alert_id) INTO regained FROM back;

    -- An alert whose findings are all gone keeps its last summary: it says what people acted on.
    UPDATE alert a
    SET severity = coalesce(f.severity, a.severity), late = coalesce(f.late, a.late),
        starts_at = coalesce(f.starts_at, a.starts_at), last_at = coalesce(f.last_at, a.last_at),
        updated_at = at,
        review_reason = CASE
            WHEN f.standing = 0 THEN 'Its readings were found not to be this patient''s.'
            WHEN f.gone > 0 THEN 'Some of its readings were found not to be this patient''s.'
            WHEN a.state = 'resolved' THEN
                'Its readings were given to somebody else and came back. Look whether it was handled.'
        END
    FROM unnest(lost || regained) AS touched (id)
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE withdrawn_at IS NULL) AS standing,
               count(*) FILTER (WHERE withdrawn_reason = 'reassigned') AS gone,
               (array_agg(x.severity ORDER BY
                    array_position(ARRAY['critical', 'warning', 'notice'], x.severity))
                    FILTER (WHERE withdrawn_at IS NULL))[1] AS severity,
               bool_and(x.late) FILTER (WHERE withdrawn_at IS NULL) AS late,
               min(x.measured_at) FILTER (WHERE withdrawn_at IS NULL) AS starts_at,
               max(x.measured_at) FILTER (WHERE withdrawn_at IS NULL) AS last_at
        FROM finding x WHERE x.clinic_id = clinic AND x.alert_id = touched.id
    ) AS f
    WHERE a.clinic_id = clinic AND a.id = touched.id;

    UPDATE time_entry
    SET review_reason = 'Spent on readings that were found not to be this patient''s.'
    WHERE clinic_id = clinic AND status <> 'reversed'
      AND task_id IN (SELECT tasks_of_alerts(lost));

    INSERT INTO pending_evaluation (clinic_id, patient_id, day)
    SELECT DISTINCT clinic, p.patient_id, (r.measured_at AT TIME ZONE h.zone)::date
    FROM reading_key k
    JOIN reading r ON r.clinic_id = k.clinic_id AND r.reading_id = k.reading_id
        AND r.measured_at = k.measured_at
    JOIN gateway w ON w.clinic_id = r.clinic_id AND w.name = r.gateway
    JOIN home h ON h.id = w.home_id
    CROSS JOIN LATERAL (VALUES (r.patient_id), (to_patient)) AS p (patient_id)
    WHERE k.clinic_id = clinic AND k.reading_id = ANY(ids) AND p.patient_id IS NOT NULL
    ORDER BY 1, 2, 3
    ON CONFLICT (clinic_id, patient_id, day) DO UPDATE SET marked_at = clock_timestamp();

    UPDATE reading r SET patient_id = to_patient, assignment_id = the_assignment, held = false
    FROM reading_key k
    WHERE k.clinic_id = clinic AND k.reading_id = ANY(ids) AND r.clinic_id = k.clinic_id
      AND r.reading_id = k.reading_id AND r.measured_at = k.measured_at;

    UPDATE quarantine q
    SET patient_id = to_patient, judged_at = CASE
        WHEN q.state IN ('replayed', 'discarded') OR EXISTS (
            SELECT FROM finding f WHERE f.clinic_id = clinic AND f.quarantine_id = q.id
                AND f.patient_id = to_patient) THEN at END
    WHERE q.clinic_id = clinic AND q.id = ANY(bytes);

    DELETE FROM reading_decision WHERE clinic_id = clinic AND reading_id = ANY(ids);
    PERFORM pg_notify('pending_evaluation', '');
END
$$;

-- Gives a device and slot to a patient for a period, whoever had it; null: to nobody. Ingest, workers
-- and other re-assignments wait meanwhile, so no reading is attributed by what is about to change.
CREATE FUNCTION reassign_readings(
    the_device text, the_slot int, period tstzrange, to_patient uuid, undecided boolean,
    at timestamptz)
RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    given uuid;
BEGIN
    PERFORM pg_advisory_xact_lock(7166320001);
    IF session_clinic() IS NULL OR isempty(period) THEN
        RAISE EXCEPTION 'no clinic, or no time' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM FROM patient WHERE clinic_id = session_clinic() AND id = to_patient;
    IF to_patient IS NOT NULL AND NOT FOUND THEN
        RAISE EXCEPTION 'no such patient' USING ERRCODE = 'foreign_key_violation';
    END IF;
    given := fit_assignment(the_device, the_slot, period, to_patient);
    PERFORM give_readings(
        ARRAY(SELECT m.reading_id
              FROM readings_to_move(the_device, the_slot, period, to_patient, undecided) m),
        ARRAY(SELECT b.quarantine_id
              FROM quarantine_to_move(the_device, the_slot, period, to_patient) b),
        to_patient, given, at);
    RETURN given;
END
$$;

-- A person says whose these readings are, that nobody has: a patient's, or nobody's.
-- How many it was: those that somebody has meanwhile are left alone.
CREATE FUNCTION decide_readings(ids uuid[], to_patient uuid, by_staff uuid, at timestamptz)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    clinic text := session_clinic();
    one record;
    decided bigint := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(7166320001);
    FOR one IN
        SELECT r.reading_id, nearest.id AS assignment_id
        FROM reading_key k
        JOIN reading r ON r.clinic_id = k.clinic_id AND r.reading_id = k.reading_id
            AND r.measured_at = k.measured_at
        LEFT JOIN LATERAL (
            SELECT a.id FROM assignment a
            WHERE a.clinic_id = clinic AND a.device = r.device AND a.user_slot = r.user_slot
              AND a.patient_id = to_patient
            ORDER BY a.during @> r.measured_at DESC, least(
                abs(extract(epoch FROM r.measured_at - lower(a.during))),
                abs(extract(epoch FROM upper(a.during) - r.measured_at)))
            LIMIT 1
        ) AS nearest ON true
        WHERE k.clinic_id = clinic AND k.reading_id = ANY(ids) AND r.patient_id IS NULL
    LOOP
        PERFORM give_readings(ARRAY[one.reading_id], '{}', to_patient, one.assignment_id, at);
        INSERT INTO reading_decision (clinic_id, reading_id, patient_id, decided_by, decided_at)
        VALUES (clinic, one.reading_id, to_patient, by_staff, at);
        decided := decided + 1;
    END LOOP;
    RETURN decided;
END
$$;

REVOKE ALL ON FUNCTION readings_to_move, quarantine_to_move, tasks_of_alerts, reassign_effect,
    fit_assignment, give_readings, reassign_readings, decide_readings FROM PUBLIC;

GRANT EXECUTE ON FUNCTION reassign_effect, reassign_readings, decide_readings TO hl_api;

ALTER TABLE reading_decision ENABLE ROW LEVEL SECURITY;

CREATE POLICY wall ON reading_decision TO hl_api, hl_worker USING (clinic_id = session_clinic());

GRANT SELECT ON reading_decision TO hl_api, hl_worker;

RESET ROLE;
