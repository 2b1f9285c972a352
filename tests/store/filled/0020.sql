INSERT INTO gateway_wish (clinic_id, gateway, version, accept, changed_at)
VALUES ('{clinic}', 'gw-1', 1, '{{C0:FF:EE:00:00:01}}', now());
INSERT INTO gateway_forget (clinic_id, gateway, device, asked_at)
VALUES ('{clinic}', 'gw-1', 'C0:FF:EE:00:00:02', now());
INSERT INTO gateway_credential (clinic_id, gateway, number, verifier, issued_at, expires_at)
VALUES ('{clinic}', 'gw-1', 1, '$7$101$' || repeat('A', 16) || '$' || repeat('A', 86) || '==',
        now(), now() + interval '1 year');
INSERT INTO gateway_code (clinic_id, gateway, code_hash, issued_at, expires_at, used_at, number)
VALUES ('{clinic}', 'gw-1', sha256('{clinic} code'), now(), now() + interval '2 days', now(), 1);
