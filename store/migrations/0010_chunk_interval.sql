-- Chunks of 30 days from now on; those that are there stay as they are (docs/adr/0015).
SET LOCAL lock_timeout = '4s';

SET LOCAL ROLE hl_owner;

DO $$ BEGIN PERFORM set_chunk_time_interval('reading', INTERVAL '30 days'); END $$;

RESET ROLE;
