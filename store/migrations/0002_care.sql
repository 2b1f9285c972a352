-- Staff, limits, alerts, care tasks, programmes and the time ledger. Additive, forward-only.
SET LOCAL lock_timeout = '4s';

SET LOCAL ROLE hl_owner;

-- What a clinic and a patient say about themselves ------------------------------------------------

ALTER TABLE clinic
    ADD COLUMN glucose_unit text NOT NULL DEFAULT 'mg/dL' CHECK (glucose_unit IN ('mg/dL', 'mmol/L')),
    ADD COLUMN weight_unit text NOT NULL DEFAULT 'lb' CHECK (weight_unit IN ('kg', 'lb')),
    -- Whose minutes alert work is where a patient is enrolled in both.
    ADD COLUMN alert_programme text NOT NULL DEFAULT 'CCM' CHECK (alert_programme IN ('CCM', 'RPM'));

ALTER TABLE patient
    ADD COLUMN record_number text,
    ADD COLUMN sex text CHECK (sex IN ('female', 'male', 'other', 'unknown')),
    ADD COLUMN phone text,
    ADD COLUMN zone text,  -- days are the patient's; null: the clinic's zone
    ADD COLUMN conditions text[] NOT NULL DEFAULT '{}',
    ADD COLUMN care_note text NOT NULL DEFAULT '',
    ADD COLUMN created_at timestamptz NOT NULL DEFAULT now();

CREATE UNIQUE INDEX patient_record_number_idx ON patient (clinic_id, record_number);

ALTER TABLE home ADD COLUMN label text NOT NULL DEFAULT '';

ALTER TABLE gateway ADD COLUMN registered_at timestamptz NOT NULL DEFAULT now();

-- What a person needs in order to see where quarantined bytes belong.
ALTER TABLE quarantine
    ADD COLUMN device text,
    ADD COLUMN user_slot int,
    ADD COLUMN measured_at timestamptz,
    ADD COLUMN judged_at timestamptz;

CREATE INDEX quarantine_unjudged_idx ON quarantine (clinic_id, id)
    WHERE patient_id IS NOT NULL AND judged_at IS NULL;

-- Alert workers take what waits longest.
CREATE INDEX pending_evaluation_age_idx ON pending_evaluation (clinic_id, marked_at);

-- Staff: one identity across clinics --------------------------------------------------------------

CREATE TABLE staff (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    email text NOT NULL,
    name text NOT NULL,
    credential text NOT NULL DEFAULT '',  -- 'RN', 'MD', shown beside the name
    password_hash text NOT NULL,
    created_at timestamptz NOT NULL,
    disabled_at timestamptz
);

CREATE UNIQUE INDEX staff_email_idx ON staff (lower(email));

CREATE TABLE staff_membership (
    clinic_id text NOT NULL REFERENCES clinic,
    staff_id uuid NOT NULL REFERENCES staff,
    role text NOT NULL CHECK (role IN ('nurse', 'provider', 'biller', 'admin')),
    since timestamptz NOT NULL,
    ended_at timestamptz,
    PRIMARY KEY (clinic_id, staff_id)
);

CREATE INDEX staff_membership_staff_idx ON staff_membership (staff_id);

CREATE TABLE staff_invitation (
    token_hash bytea PRIMARY KEY,
    clinic_id text NOT NULL REFERENCES clinic,
    email text NOT NULL,
    name text NOT NULL,
    credential text NOT NULL DEFAULT '',
    role text NOT NULL CHECK (role IN ('nurse', 'provider', 'biller', 'admin')),
    invited_by uuid REFERENCES staff,
    invited_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    accepted_at timestamptz,
    withdrawn_at timestamptz
);

CREATE TABLE web_session (
    token_hash bytea PRIMARY KEY,
    staff_id uuid NOT NULL REFERENCES staff,
    clinic_id text REFERENCES clinic,  -- the clinic that is worked in; null: not chosen yet
    csrf text NOT NULL,
    started_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at timestamptz
);

CREATE INDEX web_session_staff_idx ON web_session (staff_id);

-- Failed sign-ins, by hashes only: what throttling counts.
CREATE TABLE sign_in_failure (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_hash bytea NOT NULL,
    source_hash bytea NOT NULL,
    at timestamptz NOT NULL
);

CREATE INDEX sign_in_failure_at_idx ON sign_in_failure (at);

-- Who acts in this transaction, and with which session; null reads nothing.
CREATE FUNCTION session_staff() RETURNS uuid LANGUAGE sql STABLE
    RETURN nullif(current_setting('hearthline.staff', true), '')::uuid;

CREATE FUNCTION session_token() RETURNS bytea LANGUAGE sql STABLE
    RETURN decode(nullif(current_setting('hearthline.token', true), ''), 'hex');

-- Before anybody is signed in there is no clinic and no staff: these are the only way in.
CREATE FUNCTION sign_in_lookup(the_email text)
RETURNS TABLE (staff_id uuid, password_hash text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT id, staff.password_hash FROM staff
    WHERE lower(email) = lower(the_email) AND disabled_at IS NULL
$$;

CREATE FUNCTION sign_in_failures(the_account bytea, the_source bytea, since timestamptz)
RETURNS TABLE (by_account bigint, by_source bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT count(*) FILTER (WHERE account_hash = the_account),
           count(*) FILTER (WHERE source_hash = the_source)
    FROM sign_in_failure WHERE at > since
$$;

CREATE FUNCTION record_sign_in_failure(the_account bytea, the_source bytea, the_instant timestamptz)
RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    DELETE FROM sign_in_failure WHERE at < the_instant - INTERVAL '1 day';
    INSERT INTO sign_in_failure (account_hash, source_hash, at)
    VALUES (the_account, the_source, the_instant)
$$;

-- Whoever holds the token is the session's owner; where they work and as what, in one look.
CREATE FUNCTION web_session_lookup(the_token bytea)
RETURNS TABLE (staff_id uuid, name text, credential text, csrf text, last_seen_at timestamptz,
               expires_at timestamptz, clinic_id text, role text, clinic_name text, zone text,
               glucose_unit text, weight_unit text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT s.staff_id, p.name, p.credential, s.csrf, s.last_seen_at, s.expires_at,
           c.id, m.role, c.name, c.zone, c.glucose_unit, c.weight_unit
    FROM web_session s
    JOIN staff p ON p.id = s.staff_id AND p.disabled_at IS NULL
    LEFT JOIN staff_membership m
        ON m.staff_id = s.staff_id AND m.clinic_id = s.clinic_id AND m.ended_at IS NULL
    LEFT JOIN clinic c ON c.id = m.clinic_id
    WHERE s.token_hash = the_token AND s.ended_at IS NULL
$$;

CREATE FUNCTION invitation_lookup(the_token bytea)
RETURNS TABLE (clinic_id text, clinic_name text, email text, name text, credential text, role text,
               expires_at timestamptz, accepted_at timestamptz, withdrawn_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT i.clinic_id, c.name, i.email, i.name, i.credential, i.role, i.expires_at, i.accepted_at,
           i.withdrawn_at
    FROM staff_invitation i JOIN clinic c ON c.id = i.clinic_id WHERE i.token_hash = the_token
$$;

REVOKE ALL ON FUNCTION sign_in_lookup, sign_in_failures, record_sign_in_failure,
    web_session_lookup, invitation_lookup FROM PUBLIC;

-- Limits: dated; a patient's stand over the clinic's, the clinic's over the shipped defaults ------

CREATE TABLE clinical_limit (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    clinic_id text NOT NULL REFERENCES clinic,
    patient_id uuid,  -- null: for the whole clinic
    rule text NOT NULL,
    value double precision,  -- null: this rule is switched off
    ucum text NOT NULL,
    valid_from timestamptz NOT NULL,
    set_by uuid REFERENCES staff,
    set_at timestamptz NOT NULL,
    reason text NOT NULL DEFAULT '',
    withdrawn_at timestamptz,
    FOREIGN KEY (clinic_id, patient_id) REFERENCES patient (clinic_id, id)
);

CREATE INDEX clinical_limit_idx ON clinical_limit (clinic_id, patient_id, rule, valid_from DESC);

-- Alerts ------------------------------------------------------------------------------------------

-- I5: a reading is judged once per attribution and rule version.
CREATE TABLE judgement (
    clinic_id text NOT NULL,
    reading_id uuid NOT NULL,
    patient_id uuid NOT NULL,
    rules_version text NOT NULL,
    judged_at timestamptz NOT NULL,
    PRIMARY KEY (clinic_id, reading_id, patient_id, rules_version)
);

CREATE TABLE alert (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    clinic_id text NOT NULL,
    patient_id uuid NOT NULL,
    lineage text NOT NULL,  -- 'blood_pressure.high': what one open alert stands for (I6)
    state text NOT NULL CHECK (state IN ('pending', 'firing', 'acknowledged', 'resolved')),
    severity text NOT NULL CHECK (severity IN ('notice', 'warning', 'critical')),
    late boolean NOT NULL,  -- every finding came from a backlog older than a day: for review (I11)
    episode int NOT NULL,
    starts_at timestamptz NOT NULL,  -- the first reading's instant
    last_at timestamptz NOT NULL,  -- the newest reading's instant
    opened_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    repeat_due_at timestamptz,  -- a repeat measurement is asked for by then
    acknowledged_at timestamptz,
    acknowledged_by uuid REFERENCES staff,
    resolved_at timestamptz,
    resolved_by uuid REFERENCES staff,
    outcome text,
    note text NOT NULL DEFAULT '',
    review_reason text,  -- why a person has to look again, after a re-assignment
    UNIQUE (clinic_id, id),
    FOREIGN KEY (clinic_id, patient_id) REFERENCES patient (clinic_id, id)
);

CREATE UNIQUE INDEX alert_one_open_idx ON alert (clinic_id, patient_id, lineage)
    WHERE state <> 'resolved';

CREATE INDEX alert_patient_idx ON alert (clinic_id, patient_id, opened_at DESC);

CREATE TABLE finding (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    clinic_id text NOT NULL,
    patient_id uuid NOT NULL,
    lineage text NOT NULL,
    alert_id uuid NOT NULL,
    reading_id uuid,  -- one of the two
    quarantine_id bigint REFERENCES quarantine,
    rule text NOT NULL,
    severity text NOT NULL CHECK (severity IN ('notice', 'warning', 'critical')),
    late boolean NOT NULL,
    measured_at timestamptz NOT NULL,
    observed jsonb NOT NULL,  -- {"systolic_mmhg": 191, ...}, UCUM units of the store
    limits jsonb NOT NULL,  -- [{"measure", "comparator", "value", "ucum", "source"}]
    rules_version text NOT NULL,
    found_at timestamptz NOT NULL,
    withdrawn_at timestamptz,
    withdrawn_reason text,
    CHECK (num_nonnulls(reading_id, quarantine_id) = 1),
    FOREIGN KEY (clinic_id, alert_id) REFERENCES alert (clinic_id, id)
);

CREATE UNIQUE INDEX finding_reading_idx ON finding (clinic_id, patient_id, lineage, reading_id)
    WHERE reading_id IS NOT NULL;

CREATE UNIQUE INDEX finding_quarantine_idx ON finding (clinic_id, quarantine_id)
    WHERE quarantine_id IS NOT NULL;

CREATE INDEX finding_alert_idx ON finding (clinic_id, alert_id, measured_at);

-- The story of an alert: every event of the lifecycle, append-only.
CREATE TABLE alert_event (
    clinic_id text NOT NULL,
    alert_id uuid NOT NULL,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL,
    event text NOT NULL,
    state text NOT NULL,  -- after the event
    actor text NOT NULL,  -- 'staff:<id>' or 'rules'
    detail jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (clinic_id, alert_id, seq),
    FOREIGN KEY (clinic_id, alert_id) REFERENCES alert (clinic_id, id)
);

CREATE TRIGGER alert_event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON alert_event
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE care_task (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    clinic_id text NOT NULL,
    patient_id uuid NOT NULL,
    alert_id uuid UNIQUE,  -- an alert opens one task
    kind text NOT NULL CHECK (kind IN ('alert', 'follow_up')),
    title text NOT NULL DEFAULT '',  -- of a follow-up; an alert's is drawn from its findings
    state text NOT NULL CHECK (state IN ('open', 'claimed', 'done')),
    assignee uuid REFERENCES staff,
    claimed_at timestamptz,
    created_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    snoozed_until timestamptz,
    snoozed_reason text,
    follows uuid,  -- of a follow-up: the task that asked for it
    done_at timestamptz,
    done_by uuid REFERENCES staff,
    outcome text,
    note text NOT NULL DEFAULT '',
    checklist jsonb NOT NULL DEFAULT '{}',  -- {step: {"at", "by"}}
    UNIQUE (clinic_id, id),
    CHECK ((state = 'claimed') <= (assignee IS NOT NULL)),
    FOREIGN KEY (clinic_id, patient_id) REFERENCES patient (clinic_id, id),
    FOREIGN KEY (clinic_id, alert_id) REFERENCES alert (clinic_id, id),
    FOREIGN KEY (clinic_id, follows) REFERENCES care_task (clinic_id, id)
);

CREATE INDEX care_task_waiting_idx ON care_task (clinic_id, due_at) WHERE state <> 'done';

CREATE INDEX care_task_patient_idx ON care_task (clinic_id, patient_id, created_at DESC);

CREATE TABLE contact (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    clinic_id text NOT NULL,
    patient_id uuid NOT NULL,
    task_id uuid,
    staff_id uuid NOT NULL REFERENCES staff,
    at timestamptz NOT NULL,
    channel text NOT NULL CHECK (channel IN ('phone', 'video', 'message', 'in_person')),
    reached boolean NOT NULL,
    note text NOT NULL DEFAULT '',
    FOREIGN KEY (clinic_id, patient_id) REFERENCES patient (clinic_id, id),
    FOREIGN KEY (clinic_id, task_id) REFERENCES care_task (clinic_id, id)
);

CREATE INDEX contact_patient_idx ON contact (clinic_id, patient_id, at DESC);

-- Programmes, consent, time -----------------------------------------------------------------------

CREATE TABLE enrolment (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    clinic_id text NOT NULL,
    patient_id uuid NOT NULL,
    programme text NOT NULL CHECK (programme IN ('CCM', 'PCM', 'RPM')),
    practitioner uuid NOT NULL REFERENCES staff,
    during daterange NOT NULL CHECK (NOT isempty(during)),
    qualifying_conditions text[] NOT NULL DEFAULT '{}',
    high_risk_condition boolean NOT NULL DEFAULT false,  -- PCM
    care_plan_on date,
    access_24_7 boolean NOT NULL DEFAULT true,
    new_or_not_seen_12m boolean NOT NULL DEFAULT false,
    initiating_visit_on date,
    established_patient boolean NOT NULL DEFAULT true,  -- RPM
    created_by uuid NOT NULL REFERENCES staff,
    created_at timestamptz NOT NULL,
    FOREIGN KEY (clinic_id, patient_id) REFERENCES patient (clinic_id, id),
    CONSTRAINT enrolment_once EXCLUDE USING gist
        (clinic_id WITH =, patient_id WITH =, programme WITH =, during WITH &&)
);

CREATE TABLE consent (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    clinic_id text NOT NULL,
    patient_id uuid NOT NULL,
    programme text NOT NULL CHECK (programme IN ('CCM', 'PCM', 'RPM')),
    practitioner uuid NOT NULL REFERENCES staff,
    given_at timestamptz NOT NULL,
    method text NOT NULL CHECK (method IN ('verbal', 'written')),
    elements text[] NOT NULL,  -- availability, cost_sharing, one_practitioner, right_to_stop
    recorded_by uuid NOT NULL REFERENCES staff,
    recorded_at timestamptz NOT NULL,
    stopped_at timestamptz,  -- effective at the end of its calendar month
    FOREIGN KEY (clinic_id, patient_id) REFERENCES patient (clinic_id, id)
);

CREATE INDEX consent_patient_idx ON consent (clinic_id, patient_id, programme, given_at DESC);

-- I7. `during` of a running timer is open-ended; an abandoned one ends at its last proven activity.
CREATE TABLE time_entry (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    clinic_id text NOT NULL,
    patient_id uuid NOT NULL,
    staff_id uuid NOT NULL REFERENCES staff,
    task_id uuid,
    programme text NOT NULL CHECK (programme IN ('CCM', 'PCM', 'RPM')),
    activity text NOT NULL,
    role text NOT NULL CHECK (role IN ('clinical_staff', 'qhp', 'non_clinical')),
    source text NOT NULL CHECK (source IN ('timer', 'manual')),
    during tstzrange NOT NULL,
    state text NOT NULL CHECK (state IN ('running', 'stopped', 'confirmed')),
    -- active: stands; held: overlaps and waits for a decision; reversed: taken back
    status text NOT NULL CHECK (status IN ('active', 'held', 'reversed')),
    stopped_by text CHECK (stopped_by IN ('paused', 'released', 'resolved', 'abandoned')),
    last_activity_at timestamptz NOT NULL,
    lease_until timestamptz,  -- of a running timer
    interactive boolean NOT NULL DEFAULT false,
    note text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL,
    confirmed_at timestamptz,
    reversed_at timestamptz,
    reversed_by uuid REFERENCES staff,
    reversed_reason text,
    replaces uuid REFERENCES time_entry,
    review_reason text,
    FOREIGN KEY (clinic_id, patient_id) REFERENCES patient (clinic_id, id),
    FOREIGN KEY (clinic_id, task_id) REFERENCES care_task (clinic_id, id),
    CHECK (state = 'running' OR upper(during) IS NOT NULL OR isempty(during)),
    CONSTRAINT one_patient_at_a_time EXCLUDE USING gist
        (staff_id WITH =, patient_id WITH <>, during WITH &&) WHERE (status = 'active')
);

CREATE UNIQUE INDEX time_entry_one_running_idx ON time_entry (staff_id)
    WHERE state = 'running' AND status = 'active';

CREATE INDEX time_entry_patient_idx ON time_entry (clinic_id, patient_id, lower(during));

CREATE INDEX time_entry_task_idx ON time_entry (task_id);

CREATE INDEX time_entry_clinic_idx ON time_entry USING gist (clinic_id, during);

-- Who is told of what -----------------------------------------------------------------------------

-- Consoles listen: which clinic, which alert. No value travels here.
CREATE FUNCTION tell_consoles() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('console', NEW.clinic_id || ' ' || TG_ARGV[0] || ' ' || NEW.id);
    RETURN NULL;
END
$$;

CREATE TRIGGER alert_told AFTER INSERT OR UPDATE ON alert
    FOR EACH ROW EXECUTE FUNCTION tell_consoles('alert');

CREATE TRIGGER care_task_told AFTER INSERT OR UPDATE ON care_task
    FOR EACH ROW EXECUTE FUNCTION tell_consoles('task');

-- Workers serve all clinics, one clinic at a time: where there is something to judge, and who is there.
CREATE FUNCTION clinics_to_judge() RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT DISTINCT clinic_id FROM pending_evaluation
    UNION
    SELECT DISTINCT clinic_id FROM quarantine
    WHERE patient_id IS NOT NULL AND judged_at IS NULL AND clinic_id IS NOT NULL
$$;

CREATE FUNCTION all_clinics() RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT id FROM clinic ORDER BY id
$$;

REVOKE ALL ON FUNCTION clinics_to_judge, all_clinics FROM PUBLIC;

-- Walls -------------------------------------------------------------------------------------------

ALTER TABLE staff ENABLE ROW LEVEL SECURITY;
ALTER TABLE staff_membership ENABLE ROW LEVEL SECURITY;
ALTER TABLE staff_invitation ENABLE ROW LEVEL SECURITY;
ALTER TABLE web_session ENABLE ROW LEVEL SECURITY;
ALTER TABLE sign_in_failure ENABLE ROW LEVEL SECURITY;
ALTER TABLE clinical_limit ENABLE ROW LEVEL SECURITY;
ALTER TABLE judgement ENABLE ROW LEVEL SECURITY;
ALTER TABLE alert ENABLE ROW LEVEL SECURITY;
ALTER TABLE finding ENABLE ROW LEVEL SECURITY;
ALTER TABLE alert_event ENABLE ROW LEVEL SECURITY;
ALTER TABLE care_task ENABLE ROW LEVEL SECURITY;
ALTER TABLE contact ENABLE ROW LEVEL SECURITY;
ALTER TABLE enrolment ENABLE ROW LEVEL SECURITY;
ALTER TABLE consent ENABLE ROW LEVEL SECURITY;
ALTER TABLE time_entry ENABLE ROW LEVEL SECURITY;

CREATE POLICY own_memberships ON staff_membership TO hl_api
    USING (clinic_id = session_clinic() OR staff_id = session_staff())
    WITH CHECK (clinic_id = session_clinic());
-- Colleagues are seen; an account is changed by its own person alone.
CREATE POLICY colleagues ON staff FOR SELECT TO hl_api, hl_worker
    USING (id = session_staff() OR EXISTS (
        SELECT FROM staff_membership m
        WHERE m.staff_id = staff.id AND m.clinic_id = session_clinic()));
CREATE POLICY newcomers ON staff FOR INSERT TO hl_api WITH CHECK (id = session_staff());
CREATE POLICY own_account ON staff FOR UPDATE TO hl_api
    USING (id = session_staff()) WITH CHECK (id = session_staff());
CREATE POLICY wall ON staff_membership FOR SELECT TO hl_worker USING (clinic_id = session_clinic());
-- Somebody signs in to a clinic that is theirs: its name is shown before it is chosen.
CREATE POLICY own_clinics ON clinic FOR SELECT TO hl_api USING (EXISTS (
    SELECT FROM staff_membership m WHERE m.clinic_id = clinic.id AND m.staff_id = session_staff()));
CREATE POLICY own_session ON web_session TO hl_api
    USING (token_hash = session_token() OR staff_id = session_staff());
CREATE POLICY wall ON staff_invitation TO hl_api USING (clinic_id = session_clinic());
CREATE POLICY wall ON clinical_limit TO hl_api, hl_worker USING (clinic_id = session_clinic());
CREATE POLICY wall ON judgement TO hl_api, hl_worker USING (clinic_id = session_clinic());
CREATE POLICY wall ON alert TO hl_api, hl_worker USING (clinic_id = session_clinic());
CREATE POLICY wall ON finding TO hl_api, hl_worker USING (clinic_id = session_clinic());
CREATE POLICY wall ON alert_event TO hl_api, hl_worker USING (clinic_id = session_clinic());
CREATE POLICY wall ON care_task TO hl_api, hl_worker USING (clinic_id = session_clinic());
CREATE POLICY wall ON contact TO hl_api, hl_worker USING (clinic_id = session_clinic());
CREATE POLICY wall ON enrolment TO hl_api, hl_worker USING (clinic_id = session_clinic());
CREATE POLICY wall ON consent TO hl_api, hl_worker USING (clinic_id = session_clinic());
-- One's own timer is seen from every clinic that one works in: it is paused by claiming elsewhere.
CREATE POLICY seen ON time_entry FOR SELECT TO hl_api, hl_worker
    USING (clinic_id = session_clinic() OR staff_id = session_staff());
CREATE POLICY begun_here ON time_entry FOR INSERT TO hl_api, hl_worker
    WITH CHECK (clinic_id = session_clinic());
CREATE POLICY ended ON time_entry FOR UPDATE TO hl_api, hl_worker
    USING (clinic_id = session_clinic() OR staff_id = session_staff())
    WITH CHECK (clinic_id = session_clinic() OR staff_id = session_staff());

GRANT EXECUTE ON FUNCTION sign_in_lookup, sign_in_failures, record_sign_in_failure,
    web_session_lookup, invitation_lookup TO hl_api;
GRANT EXECUTE ON FUNCTION clinics_to_judge, all_clinics TO hl_worker;
GRANT EXECUTE ON FUNCTION all_clinics TO hl_api;

GRANT UPDATE (name, zone, glucose_unit, weight_unit, alert_programme) ON clinic TO hl_api;
GRANT SELECT, INSERT, UPDATE ON staff, staff_membership, staff_invitation, web_session,
    clinical_limit, alert, finding, care_task, contact, enrolment, consent, time_entry TO hl_api;
GRANT SELECT, INSERT ON alert_event TO hl_api, hl_worker;
GRANT SELECT ON judgement TO hl_api;
GRANT SELECT ON staff, staff_membership, clinical_limit, enrolment, consent, contact TO hl_worker;
GRANT SELECT, INSERT, UPDATE ON judgement, alert, finding, care_task, time_entry TO hl_worker;
GRANT UPDATE (judged_at) ON quarantine TO hl_worker;

RESET ROLE;
