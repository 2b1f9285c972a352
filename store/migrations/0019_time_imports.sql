-- Time that other software measured, and the ledger's promise never to be edited.
SET LOCAL lock_timeout = '4s';

SET LOCAL ROLE hl_owner;

-- A file that was read. The same file is read once: its hash says so.
CREATE TABLE time_import (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    clinic_id text NOT NULL REFERENCES clinic,
    file_sha256 bytea NOT NULL CHECK (length(file_sha256) = 32),
    columns text[] NOT NULL,  -- as the first line names them
    imported_by uuid NOT NULL REFERENCES staff,
    imported_at timestamptz NOT NULL,
    UNIQUE (clinic_id, id),
    CONSTRAINT time_import_once UNIQUE (clinic_id, file_sha256)
);

-- Lines that are no time of anybody's, as they were in the file: to be mended and read again.
CREATE TABLE time_import_reject (
    clinic_id text NOT NULL,
    import_id uuid NOT NULL,
    line int NOT NULL CHECK (line > 0),
    reason text NOT NULL,
    cells text[] NOT NULL,
    PRIMARY KEY (clinic_id, import_id, line),
    FOREIGN KEY (clinic_id, import_id) REFERENCES time_import (clinic_id, id)
);

-- An imported entry's source is still 'manual' in this column, which the version before this one
-- reads; `import_id` says that it was imported.
ALTER TABLE time_entry
    ADD COLUMN import_id uuid,
    ADD COLUMN import_line int,
    ADD CONSTRAINT time_entry_imported CHECK (num_nonnulls(import_id, import_line) IN (0, 2)),
    ADD FOREIGN KEY (clinic_id, import_id) REFERENCES time_import (clinic_id, id);

-- An entry that stands is taken back or flagged, nothing else; one that was taken back stays so.
CREATE FUNCTION ledger_never_edited() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    taking_back text[] := ARRAY['status', 'reversed_at', 'reversed_by', 'reversed_reason',
                                'review_reason'];
    flagging text[] := ARRAY['review_reason'];
    allowed text[] := CASE OLD.status WHEN 'reversed' THEN flagging ELSE taking_back END;
BEGIN
    IF to_jsonb(NEW) - allowed IS DISTINCT FROM to_jsonb(OLD) - allowed
       OR NEW.status = 'held' THEN
        RAISE EXCEPTION 'the time ledger is never edited'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'never_edited';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER time_entry_never_edited BEFORE UPDATE ON time_entry
    FOR EACH ROW WHEN (OLD.status = 'reversed' OR (OLD.status = 'active' AND OLD.state = 'confirmed'))
    EXECUTE FUNCTION ledger_never_edited();

-- Statements come into no locked month. A stay that ends changes the days after it, and no others;
-- taking back is always possible.
CREATE FUNCTION fact_meets_lock() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    said date := (NEW.recorded_at AT TIME ZONE 'UTC')::date;
    begins date := NEW.first_day;
    ends date := NEW.first_day;
BEGIN
    IF NEW.kind = 'inpatient_stay' THEN
        IF NEW.replaces IS NOT NULL AND NEW.last_day IS NOT NULL THEN
            begins := NEW.last_day + 1;
            ends := greatest(begins, said);
        ELSE
            ends := greatest(begins, coalesce(NEW.last_day, said));
        END IF;
    END IF;
    PERFORM refuse_locked_days(NEW.clinic_id, begins, ends);
    RETURN NEW;
END
$$;

REVOKE ALL ON FUNCTION fact_meets_lock FROM PUBLIC;

CREATE TRIGGER billing_fact_meets_lock BEFORE INSERT ON billing_fact
    FOR EACH ROW EXECUTE FUNCTION fact_meets_lock();

CREATE TRIGGER time_import_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON time_import
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER time_import_reject_append_only BEFORE UPDATE OR DELETE OR TRUNCATE
    ON time_import_reject FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

ALTER TABLE time_import ENABLE ROW LEVEL SECURITY;
ALTER TABLE time_import_reject ENABLE ROW LEVEL SECURITY;

CREATE POLICY wall ON time_import TO hl_api, hl_worker USING (clinic_id = session_clinic());
CREATE POLICY wall ON time_import_reject TO hl_api, hl_worker USING (clinic_id = session_clinic());

GRANT SELECT ON time_import, time_import_reject TO hl_api;
GRANT SELECT, INSERT ON time_import, time_import_reject TO hl_worker;

RESET ROLE;
