-- name: detail
SELECT g.name, g.home_id, w.version, w.accept, w.settings, w.renew_before, w.changed_at,
       (SELECT max(o.sent_at) FROM desired_outbox o
        WHERE o.clinic_id = g.clinic_id AND o.gateway = g.name) AS sent_at
FROM gateway g
LEFT JOIN gateway_wish w ON w.clinic_id = g.clinic_id AND w.gateway = g.name
WHERE g.clinic_id = %(clinic)s AND g.home_id = %(home)s AND g.name = %(gateway)s

-- name: gateways_of_home
SELECT name FROM gateway WHERE clinic_id = %(clinic)s AND home_id = %(home)s ORDER BY name

-- name: gateways_of_device
-- Of the home where it is registered, or was until now, and those that know it.
SELECT g.name FROM gateway g
LEFT JOIN gateway_status s ON s.clinic_id = g.clinic_id AND s.gateway = g.name
WHERE g.clinic_id = %(clinic)s AND (g.home_id = ANY(%(homes)s) OR EXISTS (
    SELECT FROM jsonb_array_elements(s.payload -> 'devices') AS told
    WHERE upper(told ->> 'device') = %(device)s))
ORDER BY g.name

-- name: renew_wish
-- One version further, for whatever changed.
INSERT INTO gateway_wish (clinic_id, gateway, version, changed_at, changed_by)
VALUES (%(clinic)s, %(gateway)s, 1, %(now)s, %(staff)s)
ON CONFLICT (clinic_id, gateway) DO UPDATE SET
    version = gateway_wish.version + 1, changed_at = excluded.changed_at,
    changed_by = excluded.changed_by

-- name: set_wish
UPDATE gateway_wish SET accept = %(accept)s, settings = %(settings)s
WHERE clinic_id = %(clinic)s AND gateway = %(gateway)s

-- name: label_device
UPDATE device SET label = %(label)s WHERE clinic_id = %(clinic)s AND address = %(device)s

-- name: set_renewal
UPDATE gateway_wish SET renew_before = %(now)s
WHERE clinic_id = %(clinic)s AND gateway = %(gateway)s

-- name: drop_forget
-- The next one has a new number, so that it is carried out once more.
DELETE FROM gateway_forget
WHERE clinic_id = %(clinic)s AND gateway = %(gateway)s AND device = %(device)s

-- name: add_forget
INSERT INTO gateway_forget (clinic_id, gateway, device, asked_at)
VALUES (%(clinic)s, %(gateway)s, %(device)s, %(now)s)

-- name: queue_desired
-- The whole state: it is retained, and a box that was off for long reads nothing else. Names are the
-- devices' labels, the zone is the home's.
INSERT INTO desired_outbox (clinic_id, gateway, payload)
SELECT w.clinic_id, w.gateway, jsonb_strip_nulls(jsonb_build_object(
    'version', w.version,
    'accept', to_jsonb(w.accept),
    'names', (SELECT coalesce(jsonb_object_agg(d.address, d.label), '{}') FROM device d
              WHERE d.clinic_id = w.clinic_id AND d.label <> ''
                AND (d.home_id = g.home_id OR d.address IN (
                    SELECT upper(told ->> 'device') FROM gateway_status s
                    CROSS JOIN jsonb_array_elements(s.payload -> 'devices') AS told
                    WHERE s.clinic_id = w.clinic_id AND s.gateway = w.gateway))),
    'settings', w.settings || jsonb_build_object('home_zone', h.zone),
    'forget', (SELECT coalesce(jsonb_agg(jsonb_build_object(
                   'device', f.device, 'order', f.order_id::text) ORDER BY f.order_id), '[]')
               FROM (SELECT device, order_id FROM gateway_forget
                     WHERE clinic_id = w.clinic_id AND gateway = w.gateway
                     ORDER BY order_id DESC LIMIT 100) f),
    'renew_before', w.renew_before))
FROM gateway_wish w
JOIN gateway g ON g.clinic_id = w.clinic_id AND g.name = w.gateway
JOIN home h ON h.id = g.home_id
WHERE w.clinic_id = %(clinic)s AND w.gateway = %(gateway)s

-- name: issue_code
INSERT INTO gateway_code (clinic_id, gateway, code_hash, issued_by, issued_at, expires_at)
VALUES (%(clinic)s, %(gateway)s, %(code_hash)s, %(staff)s, %(now)s, %(expires_at)s)

-- name: withdraw_codes
UPDATE gateway_code SET withdrawn_at = %(now)s
WHERE clinic_id = %(clinic)s AND gateway = %(gateway)s AND used_at IS NULL AND withdrawn_at IS NULL

-- name: open_code
SELECT c.issued_at, c.expires_at, p.name AS issued_by FROM gateway_code c
LEFT JOIN staff p ON p.id = c.issued_by
WHERE c.clinic_id = %(clinic)s AND c.gateway = %(gateway)s AND c.used_at IS NULL
  AND c.withdrawn_at IS NULL AND c.expires_at > %(now)s
ORDER BY c.issued_at DESC LIMIT 1

-- name: code_lookup
SELECT id, clinic_id FROM gateway_code_lookup(%(code_hash)s)

-- name: lock_code
SELECT c.gateway, c.expires_at, c.withdrawn_at, c.used_at, k.number, k.verifier, k.issued_at,
       k.expires_at AS credential_expires_at, k.ended_at
FROM gateway_code c
LEFT JOIN gateway_credential k
    ON k.clinic_id = c.clinic_id AND k.gateway = c.gateway AND k.number = c.number
WHERE c.id = %(code)s FOR UPDATE OF c

-- name: lock_gateway
-- Two boxes at once must not be given one number.
SELECT pg_advisory_xact_lock(hashtextextended(%(clinic)s || '/' || %(gateway)s, 7166320020))

-- name: grant_credential
INSERT INTO gateway_credential (clinic_id, gateway, number, verifier, issued_at, expires_at)
SELECT %(clinic)s, %(gateway)s, coalesce(max(number), 0) + 1, %(verifier)s, %(now)s, %(expires_at)s
FROM gateway_credential WHERE clinic_id = %(clinic)s AND gateway = %(gateway)s
RETURNING number, issued_at, expires_at

-- name: use_code
UPDATE gateway_code SET used_at = %(now)s, number = %(number)s WHERE id = %(code)s

-- name: credential
SELECT number, verifier, issued_at, expires_at, first_used_at FROM gateway_credential
WHERE clinic_id = %(clinic)s AND gateway = %(gateway)s AND number = %(number)s
  AND ended_at IS NULL AND expires_at > %(now)s

-- name: credential_of_verifier
SELECT number, issued_at, expires_at FROM gateway_credential
WHERE clinic_id = %(clinic)s AND gateway = %(gateway)s AND verifier = %(verifier)s
  AND ended_at IS NULL

-- name: credentials
SELECT number, issued_at, expires_at, first_used_at FROM gateway_credential
WHERE clinic_id = %(clinic)s AND gateway = %(gateway)s AND ended_at IS NULL
  AND expires_at > %(now)s
ORDER BY number DESC

-- name: withdraw_credentials
UPDATE gateway_credential SET ended_at = %(now)s
WHERE clinic_id = %(clinic)s AND gateway = %(gateway)s AND ended_at IS NULL

-- name: credential_used
-- It has connected: those that it takes the place of have had their time.
WITH seen AS (
    UPDATE gateway_credential SET first_used_at = %(now)s
    WHERE clinic_id = %(clinic)s AND gateway = %(gateway)s AND number = %(number)s
      AND first_used_at IS NULL AND ended_at IS NULL
    RETURNING number
)
UPDATE gateway_credential k SET ended_at = %(now)s FROM seen
WHERE k.clinic_id = %(clinic)s AND k.gateway = %(gateway)s AND k.number < seen.number
  AND k.ended_at IS NULL

-- name: broker_users
SELECT clinic_id, gateway, number, verifier FROM gateway_credential
WHERE ended_at IS NULL AND expires_at > %(now)s ORDER BY clinic_id, gateway, number
