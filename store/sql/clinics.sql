-- name: read_clinic
SELECT id, name, zone, glucose_unit, weight_unit, alert_programme FROM clinic
WHERE id = session_clinic()

-- name: update_clinic
UPDATE clinic SET name = %(name)s, zone = %(zone)s, glucose_unit = %(glucose_unit)s,
    weight_unit = %(weight_unit)s, alert_programme = %(alert_programme)s
WHERE id = session_clinic()
