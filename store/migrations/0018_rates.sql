-- Amounts that a clinic loads: a table for some days, never edited; a newer one stands in its place.
SET LOCAL lock_timeout = '4s';

SET LOCAL ROLE hl_owner;

CREATE TABLE rate_table (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    clinic_id text NOT NULL REFERENCES clinic,
    name text NOT NULL CHECK (name <> ''),
    source text NOT NULL,  -- which file, and what kind of file it is
    locality text,  -- carrier and locality; null: the nation's
    during daterange NOT NULL CHECK (NOT isempty(during)
        AND lower(during) IS NOT NULL AND upper(during) IS NOT NULL),
    file_sha256 text NOT NULL,
    loaded_by uuid REFERENCES staff,  -- null: from the command line
    loaded_at timestamptz NOT NULL,
    number bigint GENERATED ALWAYS AS IDENTITY,  -- of two loaded at one moment, which came later
    UNIQUE (clinic_id, id)
);

CREATE INDEX rate_table_idx ON rate_table (clinic_id, number DESC);

CREATE TABLE rate (
    clinic_id text NOT NULL,
    table_id uuid NOT NULL,
    code text NOT NULL CHECK (code ~ '^[0-9A-Z]{5}$'),
    amount numeric(10, 2) NOT NULL CHECK (amount > 0),  -- dollars a unit, non-facility
    PRIMARY KEY (clinic_id, table_id, code),
    FOREIGN KEY (clinic_id, table_id) REFERENCES rate_table (clinic_id, id)
);

CREATE TRIGGER rate_table_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON rate_table
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER rate_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON rate
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Walls -------------------------------------------------------------------------------------------

ALTER TABLE rate_table ENABLE ROW LEVEL SECURITY;
ALTER TABLE rate ENABLE ROW LEVEL SECURITY;

CREATE POLICY wall ON rate_table TO hl_api, hl_worker USING (clinic_id = session_clinic());
CREATE POLICY wall ON rate TO hl_api, hl_worker USING (clinic_id = session_clinic());

GRANT SELECT, INSERT ON rate_table, rate TO hl_api, hl_worker;

RESET ROLE;
