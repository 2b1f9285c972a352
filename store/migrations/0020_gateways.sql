-- What a clinic wants of each gateway, one-time codes for blank boxes, and the broker's credentials.
SET LOCAL lock_timeout = '4s';

SET LOCAL ROLE hl_owner;

-- The state that is sent whole with every change; the version tells it from earlier ones.
CREATE TABLE gateway_wish (
    clinic_id text NOT NULL,
    gateway text NOT NULL,
    version int NOT NULL CHECK (version > 0),
    accept text[],  -- null: every health device that it hears
    settings jsonb NOT NULL DEFAULT '{}',
    renew_before timestamptz,  -- a credential issued earlier is to be replaced
    changed_at timestamptz NOT NULL,
    changed_by uuid REFERENCES staff,
    PRIMARY KEY (clinic_id, gateway),
    FOREIGN KEY (clinic_id, gateway) REFERENCES gateway (clinic_id, name)
);

-- The last order for each device: a box that was off for long must not miss one.
CREATE TABLE gateway_forget (
    clinic_id text NOT NULL,
    gateway text NOT NULL,
    device text NOT NULL,
    order_id bigint GENERATED ALWAYS AS IDENTITY,
    asked_at timestamptz NOT NULL,
    PRIMARY KEY (clinic_id, gateway, device),
    FOREIGN KEY (clinic_id, gateway) REFERENCES gateway (clinic_id, name)
);

-- `verifier` is a password's line in the broker's list; the password itself never leaves its box.
CREATE TABLE gateway_credential (
    clinic_id text NOT NULL,
    gateway text NOT NULL,
    number int NOT NULL CHECK (number > 0),
    verifier text NOT NULL CHECK (verifier ~ '^\$7\$[0-9]{1,6}\$[A-Za-z0-9+/]{16}\$[A-Za-z0-9+/]{86}==$'),
    issued_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    first_used_at timestamptz,
    ended_at timestamptz,  -- replaced by one that has connected, or withdrawn
    PRIMARY KEY (clinic_id, gateway, number),
    UNIQUE (clinic_id, gateway, verifier),
    FOREIGN KEY (clinic_id, gateway) REFERENCES gateway (clinic_id, name)
);

CREATE TABLE gateway_code (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    clinic_id text NOT NULL,
    gateway text NOT NULL,
    code_hash bytea NOT NULL UNIQUE,
    issued_by uuid REFERENCES staff,
    issued_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    withdrawn_at timestamptz,
    used_at timestamptz,
    number int,  -- of the credential that it brought
    FOREIGN KEY (clinic_id, gateway) REFERENCES gateway (clinic_id, name),
    FOREIGN KEY (clinic_id, gateway, number) REFERENCES gateway_credential (clinic_id, gateway, number)
);

CREATE INDEX gateway_code_idx ON gateway_code (clinic_id, gateway, issued_at DESC);

-- A blank box knows no clinic: its code is the only way in.
CREATE FUNCTION gateway_code_lookup(the_code bytea) RETURNS TABLE (id uuid, clinic_id text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT c.id, c.clinic_id FROM gateway_code c WHERE c.code_hash = the_code
$$;

REVOKE ALL ON FUNCTION gateway_code_lookup FROM PUBLIC;

GRANT EXECUTE ON FUNCTION gateway_code_lookup TO hl_api;

-- Walls -------------------------------------------------------------------------------------------

ALTER TABLE gateway_wish ENABLE ROW LEVEL SECURITY;
ALTER TABLE gateway_forget ENABLE ROW LEVEL SECURITY;
ALTER TABLE gateway_credential ENABLE ROW LEVEL SECURITY;
ALTER TABLE gateway_code ENABLE ROW LEVEL SECURITY;

CREATE POLICY wall ON gateway_wish TO hl_api USING (clinic_id = session_clinic());
CREATE POLICY wall ON gateway_forget TO hl_api USING (clinic_id = session_clinic());
CREATE POLICY wall ON gateway_credential TO hl_api USING (clinic_id = session_clinic());
CREATE POLICY wall ON gateway_code TO hl_api USING (clinic_id = session_clinic());

-- Ingest hears which credential a gateway speaks with, and writes the broker's lists.
CREATE POLICY every_clinic ON gateway_credential TO hl_ingest USING (true);

GRANT SELECT, INSERT, UPDATE ON gateway_wish, gateway_code TO hl_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON gateway_forget TO hl_api;
GRANT SELECT, INSERT ON gateway_credential TO hl_api;
GRANT UPDATE (ended_at) ON gateway_credential TO hl_api;
GRANT SELECT ON gateway_credential TO hl_ingest;
GRANT UPDATE (first_used_at, ended_at) ON gateway_credential TO hl_ingest;

RESET ROLE;
