-- What billing needs and nobody measures: stays, other claims, decisions, set-up; a clinic's switches.
SET LOCAL lock_timeout = '4s';

SET LOCAL ROLE hl_owner;

-- Statements of people. Append-only: one that is wrong is taken back with a reason, and where needed
-- another one names what it replaces.
CREATE TABLE billing_fact (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    clinic_id text NOT NULL,
    patient_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN (
        'inpatient_stay',    -- days in a hospital or nursing facility, the patient's days
        'other_claim',       -- a code that was billed for this patient and month elsewhere than here
        'complex_decision',  -- moderate or high medical decision-making, documented in a month
        'apcm',              -- advanced primary care management chosen for a month
        'device_setup',      -- devices set up and their use taught, on a day
        'care_planning')),   -- extra planning beside the initiating visit, on a day
    first_day date NOT NULL CHECK (first_day BETWEEN '2000-01-01' AND '2099-12-31'),  -- or the month
    last_day date CHECK (last_day <= '2099-12-31'),  -- of a stay, included; null: still there
    code text CHECK (code ~ '^[0-9A-Z]{5}$'),
    by_staff uuid REFERENCES staff,  -- who billed, decided, taught or planned; null: another practice
    level text CHECK (level IN ('moderate', 'high')),
    fda_device boolean,  -- stated: the devices are medical devices as the FDA defines them
    with_visit boolean,  -- beside the initiating visit
    personally boolean,  -- by the billing practitioner in person
    note text NOT NULL DEFAULT '',
    recorded_by uuid NOT NULL REFERENCES staff,
    recorded_at timestamptz NOT NULL,
    replaces uuid REFERENCES billing_fact,
    reversed_at timestamptz,
    reversed_by uuid REFERENCES staff,
    reversed_reason text CHECK (reversed_reason <> ''),
    FOREIGN KEY (clinic_id, patient_id) REFERENCES patient (clinic_id, id),
    CHECK (num_nonnulls(reversed_at, reversed_by, reversed_reason) IN (0, 3)),
    CONSTRAINT billing_fact_is_whole CHECK (CASE kind
        WHEN 'inpatient_stay' THEN coalesce(last_day >= first_day, true)
            AND num_nonnulls(code, by_staff, level, fda_device, with_visit, personally) = 0
        WHEN 'other_claim' THEN code IS NOT NULL AND extract(day FROM first_day) = 1
            AND num_nonnulls(last_day, level, fda_device, with_visit, personally) = 0
        WHEN 'complex_decision' THEN level IS NOT NULL AND by_staff IS NOT NULL
            AND extract(day FROM first_day) = 1
            AND num_nonnulls(last_day, code, fda_device, with_visit, personally) = 0
        WHEN 'apcm' THEN coalesce(code IN ('G0556', 'G0557', 'G0558'), false)
            AND extract(day FROM first_day) = 1
            AND num_nonnulls(last_day, by_staff, level, fda_device, with_visit, personally) = 0
        WHEN 'device_setup' THEN fda_device IS NOT NULL AND by_staff IS NOT NULL
            AND num_nonnulls(last_day, code, level, with_visit, personally) = 0
        WHEN 'care_planning' THEN num_nulls(with_visit, personally, by_staff) = 0
            AND num_nonnulls(last_day, code, level, fda_device) = 0
        END),
    -- Nobody is in two hospitals, and nobody says the same twice while it stands.
    CONSTRAINT one_stay_at_a_time EXCLUDE USING gist
        (clinic_id WITH =, patient_id WITH =, daterange(first_day, last_day, '[]') WITH &&)
        WHERE (kind = 'inpatient_stay' AND reversed_at IS NULL)
);

CREATE UNIQUE INDEX billing_fact_said_once ON billing_fact
    (clinic_id, patient_id, kind, first_day, coalesce(code, ''),
     coalesce(by_staff, '00000000-0000-0000-0000-000000000000'))
    WHERE kind <> 'inpatient_stay' AND kind <> 'apcm' AND reversed_at IS NULL;

CREATE UNIQUE INDEX billing_fact_one_apcm ON billing_fact (clinic_id, patient_id, first_day)
    WHERE kind = 'apcm' AND reversed_at IS NULL;

CREATE INDEX billing_fact_patient_idx ON billing_fact (clinic_id, patient_id, first_day);

-- A statement may be taken back, once, and is otherwise as it was made.
CREATE FUNCTION only_taken_back() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    taking_back text[] := ARRAY['reversed_at', 'reversed_by', 'reversed_reason'];
BEGIN
    IF OLD.reversed_at IS NOT NULL
       OR to_jsonb(NEW) - taking_back IS DISTINCT FROM to_jsonb(OLD) - taking_back THEN
        RAISE EXCEPTION '% is never edited', TG_TABLE_NAME
            USING ERRCODE = 'check_violation', CONSTRAINT = 'never_edited';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER billing_fact_never_edited BEFORE UPDATE ON billing_fact
    FOR EACH ROW EXECUTE FUNCTION only_taken_back();

CREATE TRIGGER billing_fact_kept BEFORE DELETE OR TRUNCATE ON billing_fact
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A clinic's switches, each row whole and for all months from `valid_from` on, until a row with a later
-- one; of two with the same, the one that was set last stands.
CREATE TABLE billing_policy (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    clinic_id text NOT NULL REFERENCES clinic,
    valid_from date NOT NULL CHECK (extract(day FROM valid_from) = 1),
    qhp_time_counts_as_staff boolean NOT NULL,
    caps jsonb NOT NULL CHECK (jsonb_typeof(caps) = 'object'),  -- {"99439": 1}: most units a month
    reason text NOT NULL CHECK (reason <> ''),
    set_by uuid NOT NULL REFERENCES staff,
    set_at timestamptz NOT NULL
);

CREATE INDEX billing_policy_idx ON billing_policy (clinic_id, valid_from DESC, set_at DESC);

CREATE TRIGGER billing_policy_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON billing_policy
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Walls -------------------------------------------------------------------------------------------

ALTER TABLE billing_fact ENABLE ROW LEVEL SECURITY;
ALTER TABLE billing_policy ENABLE ROW LEVEL SECURITY;

CREATE POLICY wall ON billing_fact TO hl_api, hl_worker USING (clinic_id = session_clinic());
CREATE POLICY wall ON billing_policy TO hl_api, hl_worker USING (clinic_id = session_clinic());

GRANT SELECT, INSERT ON billing_fact, billing_policy TO hl_api;
GRANT UPDATE (reversed_at, reversed_by, reversed_reason) ON billing_fact TO hl_api;
GRANT SELECT ON billing_fact, billing_policy TO hl_worker;

RESET ROLE;
