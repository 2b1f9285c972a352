-- The audit trail is chained (I10): what waits for its seal, and the links. Additive.
SET LOCAL lock_timeout = '4s';

SET LOCAL ROLE hl_owner;

-- One row per event that no link holds yet, written by the event's own transaction. So the sealer
-- misses nobody: neither a sequence's gaps nor a late commit of a low number matter to it.
CREATE TABLE audit_unsealed (
    clinic_id text NOT NULL,
    seq bigint NOT NULL,
    queued_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (clinic_id, seq)
);

-- `mac`: HMAC-SHA256 over the event, this row and the mac before (store/audit_chain.py).
CREATE TABLE audit_link (
    clinic_id text NOT NULL,
    position bigint NOT NULL CHECK (position > 0),
    seq bigint NOT NULL,
    sealed_at timestamptz NOT NULL,
    key_id text NOT NULL,
    mac bytea NOT NULL CHECK (octet_length(mac) = 32),
    PRIMARY KEY (clinic_id, position),
    UNIQUE (clinic_id, seq),
    FOREIGN KEY (clinic_id, seq) REFERENCES audit_event (clinic_id, seq)
);

CREATE TRIGGER audit_link_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_link
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Definer's rights: whoever writes an event cannot touch what waits.
CREATE FUNCTION queue_for_sealing() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO audit_unsealed (clinic_id, seq) VALUES (NEW.clinic_id, NEW.seq);
    RETURN NULL;
END
$$;

-- Holds writers back until the commit, so that the copy below leaves no event between the two.
CREATE TRIGGER audit_event_queued AFTER INSERT ON audit_event
    FOR EACH ROW EXECUTE FUNCTION queue_for_sealing();

INSERT INTO audit_unsealed (clinic_id, seq) SELECT clinic_id, seq FROM audit_event;

ALTER TABLE audit_unsealed ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_link ENABLE ROW LEVEL SECURITY;

CREATE POLICY every_clinic ON audit_event FOR SELECT TO hl_sealer USING (true);
CREATE POLICY every_clinic ON audit_unsealed TO hl_sealer USING (true);
CREATE POLICY every_clinic ON audit_link TO hl_sealer USING (true);

GRANT SELECT ON audit_event TO hl_sealer;
GRANT SELECT, DELETE ON audit_unsealed TO hl_sealer;
GRANT SELECT, INSERT ON audit_link TO hl_sealer;

RESET ROLE;
