-- Ingest workers remember who has which device. This number says when they must ask again.
SET LOCAL lock_timeout = '4s';

SET LOCAL ROLE hl_owner;

CREATE TABLE directory_epoch (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    epoch bigint NOT NULL
);

INSERT INTO directory_epoch (epoch) VALUES (1);

-- The lock is the one that a batch holds shared: whoever changes an assignment waits for the batches
-- under way, and the next batch sees both the change and the new number.
CREATE FUNCTION next_directory_epoch() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7166320001);
    -- By the clock, so that after a failover or a restore no number comes a second time.
    UPDATE directory_epoch
    SET epoch = greatest(epoch + 1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint);
    RETURN NULL;
END
$$;

REVOKE ALL ON FUNCTION next_directory_epoch FROM PUBLIC;

CREATE TRIGGER assignment_epoch BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON assignment
    FOR EACH STATEMENT EXECUTE FUNCTION next_directory_epoch();

CREATE TRIGGER gateway_epoch BEFORE UPDATE OR DELETE OR TRUNCATE ON gateway
    FOR EACH STATEMENT EXECUTE FUNCTION next_directory_epoch();

CREATE TRIGGER home_epoch BEFORE UPDATE OR DELETE OR TRUNCATE ON home
    FOR EACH STATEMENT EXECUTE FUNCTION next_directory_epoch();

ALTER TABLE directory_epoch ENABLE ROW LEVEL SECURITY;

CREATE POLICY every_clinic ON directory_epoch FOR SELECT TO hl_ingest USING (true);

GRANT SELECT ON directory_epoch TO hl_ingest;

RESET ROLE;
