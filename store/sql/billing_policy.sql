-- name: policy_in_force
SELECT qhp_time_counts_as_staff, caps, valid_from, set_at FROM billing_policy
WHERE clinic_id = %(clinic)s AND valid_from <= %(first)s
ORDER BY valid_from DESC, set_at DESC, id LIMIT 1

-- name: policies
SELECT p.id, p.valid_from, p.qhp_time_counts_as_staff, p.caps, p.reason, p.set_at,
       s.name AS set_by_name
FROM billing_policy p JOIN staff s ON s.id = p.set_by
WHERE p.clinic_id = %(clinic)s
ORDER BY p.set_at DESC, p.id LIMIT 100

-- name: set_policy
INSERT INTO billing_policy (clinic_id, valid_from, qhp_time_counts_as_staff, caps, reason, set_by,
                            set_at)
VALUES (%(clinic)s, %(valid_from)s, %(qhp_time_counts_as_staff)s, %(caps)s, %(reason)s, %(by)s,
        %(now)s)
RETURNING id
