-- Clinics, who is where, readings, and what could not become one. Forward-only.
SET LOCAL lock_timeout = '4s';

SET LOCAL ROLE hl_owner;

CREATE TABLE clinic (
    id text PRIMARY KEY CHECK (id ~ '^[a-z0-9][a-z0-9-]{0,63}$'),
    name text NOT NULL,
    zone text NOT NULL
);

CREATE TABLE patient (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    clinic_id text NOT NULL REFERENCES clinic,
    family_name text NOT NULL,
    given_name text NOT NULL,
    birth_date date,
    UNIQUE (clinic_id, id)
);

CREATE TABLE home (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    clinic_id text NOT NULL REFERENCES clinic,
    zone text NOT NULL,
    UNIQUE (clinic_id, id)
);

CREATE TABLE gateway (
    clinic_id text NOT NULL REFERENCES clinic,
    name text NOT NULL CHECK (name ~ '^[a-z0-9][a-z0-9-]{0,63}$'),
    home_id uuid NOT NULL,
    PRIMARY KEY (clinic_id, name),
    FOREIGN KEY (clinic_id, home_id) REFERENCES home (clinic_id, id)
);

CREATE TABLE device (
    clinic_id text NOT NULL REFERENCES clinic,
    address text NOT NULL,
    kind text,
    model text,
    serial text,
    PRIMARY KEY (clinic_id, address)
);

-- user_slot -1: the device has no user slots. Two people cannot hold one slot at one instant.
CREATE TABLE assignment (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    clinic_id text NOT NULL,
    device text NOT NULL,
    user_slot int NOT NULL DEFAULT -1,
    patient_id uuid NOT NULL,
    during tstzrange NOT NULL CHECK (NOT isempty(during)),
    FOREIGN KEY (clinic_id, device) REFERENCES device (clinic_id, address),
    FOREIGN KEY (clinic_id, patient_id) REFERENCES patient (clinic_id, id),
    CONSTRAINT assignment_overlap
        EXCLUDE USING gist (clinic_id WITH =, device WITH =, user_slot WITH =, during WITH &&)
);

-- The identity of every reading ever stored. Outlives the retention of readings.
CREATE TABLE reading_key (
    clinic_id text NOT NULL,
    reading_id uuid NOT NULL,
    measured_at timestamptz NOT NULL,
    PRIMARY KEY (clinic_id, reading_id)
);

CREATE TABLE reading (
    clinic_id text NOT NULL,
    reading_id uuid NOT NULL,
    patient_id uuid,
    assignment_id uuid,
    held boolean NOT NULL DEFAULT false,
    device text NOT NULL,
    user_slot int NOT NULL,
    kind text NOT NULL,
    systolic_mmhg double precision,
    diastolic_mmhg double precision,
    mean_arterial_mmhg double precision,
    pulse_per_min double precision,
    glucose_mg_dl double precision,
    weight_kg double precision,
    bmi_kg_m2 double precision,
    height_m double precision,
    comparator text,
    failed boolean NOT NULL,
    flags text[] NOT NULL,
    device_time timestamp,
    received_at timestamptz NOT NULL,
    measured_at timestamptz NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT now(),
    clock_certainty text NOT NULL,
    clock_offset_s double precision,
    clock_uncertainty_s double precision NOT NULL,
    sequence bigint,
    minted boolean NOT NULL,
    origin text NOT NULL,
    battery_pct int,
    rssi_dbm int,
    raw jsonb NOT NULL,
    context jsonb NOT NULL,
    gateway text NOT NULL,
    envelope_id text NOT NULL
);

DO $$ BEGIN PERFORM create_hypertable('reading', by_range('measured_at', INTERVAL '7 days')); END $$;

CREATE INDEX reading_patient_idx ON reading (clinic_id, patient_id, measured_at DESC);

CREATE INDEX reading_device_idx ON reading (clinic_id, device, user_slot, measured_at DESC);

-- A day of a patient that rules have yet to judge (I5).
CREATE TABLE pending_evaluation (
    clinic_id text NOT NULL,
    patient_id uuid NOT NULL,
    day date NOT NULL,
    marked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (clinic_id, patient_id, day)
);

CREATE TABLE quarantine (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    clinic_id text,
    gateway text,
    topic text NOT NULL,
    scope text NOT NULL CHECK (scope IN ('envelope', 'reading')),
    content_hash bytea NOT NULL,
    payload bytea NOT NULL,
    reason text NOT NULL,
    detail text NOT NULL,
    reading_id uuid,
    patient_id uuid,
    first_seen timestamptz NOT NULL DEFAULT now(),
    last_seen timestamptz NOT NULL DEFAULT now(),
    times int NOT NULL DEFAULT 1,
    state text NOT NULL DEFAULT 'open'
        CHECK (state IN ('open', 'replay_requested', 'replayed', 'discarded')),
    UNIQUE (content_hash, reason)
);

CREATE INDEX quarantine_replay_idx ON quarantine (id) WHERE state = 'replay_requested';

CREATE TABLE gateway_status (
    clinic_id text NOT NULL,
    gateway text NOT NULL,
    state text NOT NULL,
    at timestamptz NOT NULL,
    payload jsonb NOT NULL,
    PRIMARY KEY (clinic_id, gateway),
    FOREIGN KEY (clinic_id, gateway) REFERENCES gateway (clinic_id, name)
);

CREATE TABLE desired_outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    clinic_id text NOT NULL,
    gateway text NOT NULL,
    payload jsonb NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT now(),
    sent_at timestamptz,
    FOREIGN KEY (clinic_id, gateway) REFERENCES gateway (clinic_id, name)
);

CREATE INDEX desired_outbox_unsent_idx ON desired_outbox (id) WHERE sent_at IS NULL;

CREATE TABLE audit_event (
    clinic_id text NOT NULL,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor text NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    detail jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (clinic_id, seq)
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER audit_event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_event
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The clinic that a reader's transaction works for; null reads nothing.
CREATE FUNCTION session_clinic() RETURNS text LANGUAGE sql STABLE
    RETURN nullif(current_setting('hearthline.clinic', true), '');

-- Readers have no privilege on the hypertable: this view is their only way to readings (I9).
CREATE VIEW reading_view WITH (security_barrier) AS
    SELECT * FROM reading WHERE clinic_id = session_clinic();

-- Gives a new assignment the readings of its period that nobody has yet, and queues them.
-- Definer's rights, because readers cannot touch the hypertable; so it checks the clinic itself.
CREATE FUNCTION attribute_readings(the_assignment uuid) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH given AS (
        UPDATE reading r SET patient_id = a.patient_id, assignment_id = a.id
        FROM assignment a
        WHERE a.id = the_assignment AND a.clinic_id = session_clinic()
          AND r.clinic_id = a.clinic_id AND r.device = a.device AND r.user_slot = a.user_slot
          AND r.patient_id IS NULL AND NOT r.held AND a.during @> r.measured_at
        RETURNING r.clinic_id, r.patient_id, r.measured_at, r.gateway
    ), marked AS (
        INSERT INTO pending_evaluation (clinic_id, patient_id, day)
        SELECT DISTINCT g.clinic_id, g.patient_id, (g.measured_at AT TIME ZONE h.zone)::date
        FROM given g
        JOIN gateway w ON w.clinic_id = g.clinic_id AND w.name = g.gateway
        JOIN home h ON h.id = w.home_id
        ORDER BY 1, 2, 3
        ON CONFLICT (clinic_id, patient_id, day) DO UPDATE SET marked_at = clock_timestamp()
    )
    SELECT count(*) FROM given
$$;

REVOKE ALL ON FUNCTION attribute_readings FROM PUBLIC;

GRANT EXECUTE ON FUNCTION attribute_readings TO hl_api;

-- Walls. Readers see the rows of their session's clinic; ingest serves all clinics, and no names.
ALTER TABLE clinic ENABLE ROW LEVEL SECURITY;
ALTER TABLE patient ENABLE ROW LEVEL SECURITY;
ALTER TABLE home ENABLE ROW LEVEL SECURITY;
ALTER TABLE gateway ENABLE ROW LEVEL SECURITY;
ALTER TABLE device ENABLE ROW LEVEL SECURITY;
ALTER TABLE assignment ENABLE ROW LEVEL SECURITY;
ALTER TABLE reading_key ENABLE ROW LEVEL SECURITY;
ALTER TABLE pending_evaluation ENABLE ROW LEVEL SECURITY;
ALTER TABLE quarantine ENABLE ROW LEVEL SECURITY;
ALTER TABLE gateway_status ENABLE ROW LEVEL SECURITY;
ALTER TABLE desired_outbox ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_event ENABLE ROW LEVEL SECURITY;

CREATE POLICY wall ON clinic TO hl_api, hl_worker USING (id = session_clinic());
CREATE POLICY wall ON patient TO hl_api, hl_worker USING (clinic_id = session_clinic());
CREATE POLICY wall ON home TO hl_api, hl_worker USING (clinic_id = session_clinic());
CREATE POLICY wall ON gateway TO hl_api, hl_worker USING (clinic_id = session_clinic());
CREATE POLICY wall ON device TO hl_api, hl_worker USING (clinic_id = session_clinic());
CREATE POLICY wall ON assignment TO hl_api, hl_worker USING (clinic_id = session_clinic());
CREATE POLICY wall ON pending_evaluation TO hl_api, hl_worker USING (clinic_id = session_clinic());
CREATE POLICY wall ON quarantine TO hl_api, hl_worker USING (clinic_id = session_clinic());
CREATE POLICY wall ON gateway_status TO hl_api, hl_worker USING (clinic_id = session_clinic());
CREATE POLICY wall ON desired_outbox TO hl_api, hl_worker USING (clinic_id = session_clinic());
CREATE POLICY wall ON audit_event TO hl_api, hl_worker USING (clinic_id = session_clinic());

CREATE POLICY every_clinic ON clinic FOR SELECT TO hl_ingest USING (true);
CREATE POLICY every_clinic ON home FOR SELECT TO hl_ingest USING (true);
CREATE POLICY every_clinic ON gateway FOR SELECT TO hl_ingest USING (true);
CREATE POLICY every_clinic ON device TO hl_ingest USING (true);
CREATE POLICY every_clinic ON assignment FOR SELECT TO hl_ingest USING (true);
CREATE POLICY every_clinic ON reading_key TO hl_ingest USING (true);
CREATE POLICY every_clinic ON pending_evaluation TO hl_ingest USING (true);
CREATE POLICY every_clinic ON quarantine TO hl_ingest USING (true);
CREATE POLICY every_clinic ON gateway_status TO hl_ingest USING (true);
CREATE POLICY every_clinic ON desired_outbox TO hl_ingest USING (true);

GRANT SELECT ON clinic, home, gateway, assignment TO hl_ingest;
GRANT SELECT, INSERT ON device, reading_key, reading TO hl_ingest;
GRANT SELECT, INSERT, UPDATE ON pending_evaluation, quarantine, gateway_status TO hl_ingest;
GRANT SELECT, UPDATE ON desired_outbox TO hl_ingest;

GRANT SELECT ON clinic, reading_view, gateway_status TO hl_api, hl_worker;
GRANT SELECT ON patient, home, gateway, device, assignment TO hl_worker;
GRANT SELECT, INSERT, UPDATE ON patient, home, gateway, device, assignment TO hl_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON pending_evaluation TO hl_worker;
GRANT SELECT ON quarantine TO hl_api, hl_worker;
GRANT UPDATE (state) ON quarantine TO hl_api;
GRANT SELECT, INSERT ON desired_outbox TO hl_api;
GRANT SELECT, INSERT ON audit_event TO hl_api, hl_worker;

RESET ROLE;
