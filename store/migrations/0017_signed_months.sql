-- Months as they were signed, by which rules; locked months; the draft evaluation of each month.
SET LOCAL lock_timeout = '4s';

SET LOCAL ROLE hl_owner;

-- The text of a rule table, by its hash: whatever was evaluated or signed with it can be replayed.
CREATE TABLE rule_table (
    clinic_id text NOT NULL REFERENCES clinic,
    sha256 text NOT NULL,
    rules text NOT NULL,
    kept_at timestamptz NOT NULL,
    PRIMARY KEY (clinic_id, sha256),
    CONSTRAINT rule_table_named_by_content
        CHECK (sha256 = encode(sha256(convert_to(rules, 'UTF8')), 'hex'))
);

CREATE TRIGGER rule_table_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON rule_table
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What somebody put their name to. Of each patient and month at most one stands; the others were
-- reopened, with a reason. `result` is what the page showed, byte for byte.
CREATE TABLE signed_month (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    clinic_id text NOT NULL,
    patient_id uuid NOT NULL,
    month date NOT NULL CHECK (extract(day FROM month) = 1),
    version int NOT NULL CHECK (version >= 1),
    as_of date NOT NULL,  -- the patient's day on which it was evaluated
    facts bytea NOT NULL,
    facts_sha256 text NOT NULL CHECK (facts_sha256 = encode(sha256(facts), 'hex')),
    result bytea NOT NULL,
    result_sha256 text NOT NULL CHECK (result_sha256 = encode(sha256(result), 'hex')),
    rules_sha256 text NOT NULL,
    rules_version text NOT NULL CHECK (rules_version = left(rules_sha256, 12)),
    rates bytea,  -- the amounts used; null: those of the rule table
    signed_by uuid NOT NULL REFERENCES staff,
    signed_by_name text NOT NULL,  -- as it was then
    signed_at timestamptz NOT NULL,
    note text NOT NULL DEFAULT '',
    reopened_at timestamptz,
    reopened_by uuid REFERENCES staff,
    reopened_reason text CHECK (reopened_reason <> ''),
    CHECK (num_nonnulls(reopened_at, reopened_by, reopened_reason) IN (0, 3)),
    UNIQUE (clinic_id, patient_id, month, version),
    FOREIGN KEY (clinic_id, patient_id) REFERENCES patient (clinic_id, id),
    FOREIGN KEY (clinic_id, rules_sha256) REFERENCES rule_table (clinic_id, sha256)
);

CREATE UNIQUE INDEX signed_month_one_stands ON signed_month (clinic_id, month, patient_id)
    WHERE reopened_at IS NULL;

-- A signature changes once and in one way: it is reopened.
CREATE FUNCTION only_reopened() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.reopened_at IS NOT NULL
        OR to_jsonb(NEW) - '{reopened_at,reopened_by,reopened_reason}'::text[]
            IS DISTINCT FROM to_jsonb(OLD) - '{reopened_at,reopened_by,reopened_reason}'::text[] THEN
        RAISE EXCEPTION 'a signed month is only reopened' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER signed_month_only_reopened BEFORE UPDATE ON signed_month
    FOR EACH ROW EXECUTE FUNCTION only_reopened();

CREATE TRIGGER signed_month_stays BEFORE DELETE OR TRUNCATE ON signed_month
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A clinic's month to which nothing is added any more. Taking back is always possible.
CREATE TABLE month_lock (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    clinic_id text NOT NULL REFERENCES clinic,
    month date NOT NULL CHECK (extract(day FROM month) = 1),
    locked_by uuid NOT NULL REFERENCES staff,
    locked_at timestamptz NOT NULL,
    note text NOT NULL DEFAULT '',
    unlocked_by uuid REFERENCES staff,
    unlocked_at timestamptz,
    unlocked_reason text CHECK (unlocked_reason <> ''),
    CHECK (num_nonnulls(unlocked_by, unlocked_at, unlocked_reason) IN (0, 3))
);

CREATE UNIQUE INDEX month_lock_one_stands ON month_lock (clinic_id, month)
    WHERE unlocked_at IS NULL;

-- Locking waits for what is being added, and what is added meets the lock: both hold this.
CREATE FUNCTION lock_waits() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(716617, hashtext(NEW.clinic_id));
    RETURN NEW;
END
$$;

CREATE TRIGGER month_lock_waits BEFORE INSERT ON month_lock
    FOR EACH ROW EXECUTE FUNCTION lock_waits();

-- Refuses what touches a locked month of the clinic; for triggers of any table that a month rests
-- on. Definer's rights: a lock holds whatever the session sees.
CREATE FUNCTION refuse_locked_month(the_clinic text, touched tstzrange) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(716617, hashtext(the_clinic));
    IF EXISTS (
        SELECT FROM month_lock l JOIN clinic c ON c.id = l.clinic_id
        WHERE l.clinic_id = the_clinic AND l.unlocked_at IS NULL
          AND touched && tstzrange(l.month::timestamp AT TIME ZONE c.zone,
                                   (l.month + INTERVAL '1 month') AT TIME ZONE c.zone)) THEN
        RAISE EXCEPTION 'the month is locked'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'month_is_locked';
    END IF;
END
$$;

-- The same by days of the practice, both included.
CREATE FUNCTION refuse_locked_days(the_clinic text, first_day date, last_day date) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT refuse_locked_month(the_clinic, tstzrange(
        first_day::timestamp AT TIME ZONE c.zone, (last_day + 1)::timestamp AT TIME ZONE c.zone))
    FROM clinic c WHERE c.id = the_clinic
$$;

-- Time that counts, or asks to, comes into no locked month, and what is there becomes no other.
CREATE FUNCTION time_meets_lock() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM refuse_locked_month(NEW.clinic_id, NEW.during);
    RETURN NEW;
END
$$;

CREATE TRIGGER time_entry_meets_lock BEFORE INSERT ON time_entry
    FOR EACH ROW WHEN (NEW.state = 'confirmed' AND NEW.status <> 'reversed')
    EXECUTE FUNCTION time_meets_lock();

CREATE TRIGGER time_entry_meets_lock_again BEFORE UPDATE ON time_entry
    FOR EACH ROW WHEN (
        NEW.state = 'confirmed' AND NEW.status <> 'reversed'
        AND (OLD.state, OLD.status, OLD.clinic_id, OLD.patient_id, OLD.staff_id, OLD.during,
             OLD.programme, OLD.activity, OLD.role, OLD.interactive)
            IS DISTINCT FROM
            (NEW.state, NEW.status, NEW.clinic_id, NEW.patient_id, NEW.staff_id, NEW.during,
             NEW.programme, NEW.activity, NEW.role, NEW.interactive))
    EXECUTE FUNCTION time_meets_lock();

CREATE FUNCTION signing_meets_lock() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM refuse_locked_days(NEW.clinic_id, NEW.month, NEW.month);
    RETURN NEW;
END
$$;

CREATE TRIGGER signed_month_meets_lock BEFORE INSERT ON signed_month
    FOR EACH ROW EXECUTE FUNCTION signing_meets_lock();

-- How each patient's month stood when it was last evaluated as a whole: a draft, replaced each time.
CREATE TABLE month_evaluation (
    clinic_id text NOT NULL,
    patient_id uuid NOT NULL,
    month date NOT NULL CHECK (extract(day FROM month) = 1),
    facts_sha256 text NOT NULL,
    rules_version text NOT NULL,
    as_of date NOT NULL,
    result bytea NOT NULL,
    computed_at timestamptz NOT NULL,
    PRIMARY KEY (clinic_id, month, patient_id),
    FOREIGN KEY (clinic_id, patient_id) REFERENCES patient (clinic_id, id)
);

-- Results are long and are written by the thousand: half the time of the server's own compression.
DO $$
BEGIN
    ALTER TABLE month_evaluation ALTER COLUMN result SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
    NULL;  -- a server built without it
END
$$;

-- Walls -------------------------------------------------------------------------------------------

ALTER TABLE rule_table ENABLE ROW LEVEL SECURITY;
ALTER TABLE signed_month ENABLE ROW LEVEL SECURITY;
ALTER TABLE month_lock ENABLE ROW LEVEL SECURITY;
ALTER TABLE month_evaluation ENABLE ROW LEVEL SECURITY;

CREATE POLICY wall ON rule_table TO hl_api, hl_worker USING (clinic_id = session_clinic());
CREATE POLICY wall ON signed_month TO hl_api, hl_worker USING (clinic_id = session_clinic());
CREATE POLICY wall ON month_lock TO hl_api, hl_worker USING (clinic_id = session_clinic());
CREATE POLICY wall ON month_evaluation TO hl_api, hl_worker USING (clinic_id = session_clinic());

REVOKE ALL ON FUNCTION only_reopened, lock_waits, refuse_locked_month, refuse_locked_days,
    time_meets_lock, signing_meets_lock FROM PUBLIC;

GRANT SELECT, INSERT ON rule_table, signed_month, month_lock TO hl_api;
GRANT UPDATE (reopened_at, reopened_by, reopened_reason) ON signed_month TO hl_api;
GRANT UPDATE (unlocked_at, unlocked_by, unlocked_reason) ON month_lock TO hl_api;
GRANT SELECT ON signed_month, month_lock, rule_table TO hl_worker;
GRANT SELECT ON month_evaluation TO hl_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON month_evaluation TO hl_worker;

RESET ROLE;
