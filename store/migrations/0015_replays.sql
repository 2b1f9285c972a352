-- A replay of many quarantined rows is one act, whose progress can be told. Additive: the old version
-- asks for replays without one.
SET LOCAL lock_timeout = '4s';

SET LOCAL ROLE hl_owner;

CREATE TABLE quarantine_replay (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    clinic_id text NOT NULL REFERENCES clinic,
    asked_at timestamptz NOT NULL,
    asked_by uuid REFERENCES staff, -- null: an operator, from the command line
    reason text NOT NULL,
    rows int NOT NULL CHECK (rows >= 0)
);

CREATE INDEX quarantine_replay_clinic_idx ON quarantine_replay (clinic_id, id DESC);

-- The last replay that a row was part of.
ALTER TABLE quarantine ADD COLUMN replay_id bigint REFERENCES quarantine_replay;

CREATE INDEX quarantine_of_replay_idx ON quarantine (replay_id) WHERE replay_id IS NOT NULL;

CREATE INDEX quarantine_list_idx ON quarantine (clinic_id, state, last_seen DESC, id DESC);

-- What waits, by reason: a figure that is asked for again and again.
CREATE INDEX quarantine_open_idx ON quarantine (reason) WHERE state = 'open';

ALTER TABLE quarantine_replay ENABLE ROW LEVEL SECURITY;

CREATE POLICY wall ON quarantine_replay TO hl_api USING (clinic_id = session_clinic());

GRANT SELECT, INSERT, UPDATE (rows) ON quarantine_replay TO hl_api;
GRANT UPDATE (replay_id) ON quarantine TO hl_api;

RESET ROLE;
