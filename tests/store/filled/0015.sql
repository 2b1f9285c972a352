-- What 0015 adds.
INSERT INTO quarantine_replay (clinic_id, asked_at, reason, rows)
VALUES ('{clinic}', now(), 'implausible', 0);
