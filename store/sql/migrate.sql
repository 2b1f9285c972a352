-- name: try_migration_lock
SELECT pg_try_advisory_lock(7166320003)

-- name: migration_lock
SELECT true FROM pg_advisory_lock(7166320003)

-- name: left_lock
-- Whoever asks holds the lock above: this one, of the library's, is nobody's.
SELECT true FROM yoyo_lock
