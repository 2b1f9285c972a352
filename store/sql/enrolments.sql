-- name: insert_enrolment
INSERT INTO enrolment (clinic_id, patient_id, programme, practitioner, during,
                       qualifying_conditions, high_risk_condition, care_plan_on, access_24_7,
                       new_or_not_seen_12m, initiating_visit_on, established_patient, created_by,
                       created_at)
VALUES (%(clinic)s, %(patient)s, %(programme)s, %(practitioner)s,
        daterange(%(starts_on)s, %(ends_on)s), %(qualifying_conditions)s, %(high_risk_condition)s,
        %(care_plan_on)s, %(access_24_7)s, %(new_or_not_seen_12m)s, %(initiating_visit_on)s,
        %(established_patient)s, %(created_by)s, %(now)s)
RETURNING id

-- name: enrolment_for_update
SELECT id, lower(during) AS starts_on, upper(during) AS ends_on FROM enrolment
WHERE clinic_id = %(clinic)s AND id = %(enrolment)s
FOR UPDATE

-- name: end_enrolment
UPDATE enrolment SET during = daterange(lower(during), %(ends_on)s)
WHERE clinic_id = %(clinic)s AND id = %(enrolment)s

-- name: set_care_plan
UPDATE enrolment SET care_plan_on = %(care_plan_on)s
WHERE clinic_id = %(clinic)s AND id = %(enrolment)s

-- name: insert_consent
INSERT INTO consent (clinic_id, patient_id, programme, practitioner, given_at, method, elements,
                     recorded_by, recorded_at)
VALUES (%(clinic)s, %(patient)s, %(programme)s, %(practitioner)s, %(given_at)s, %(method)s,
        %(elements)s, %(recorded_by)s, %(now)s)
RETURNING id

-- name: stop_consent
UPDATE consent SET stopped_at = %(now)s
WHERE clinic_id = %(clinic)s AND id = %(consent)s AND stopped_at IS NULL
RETURNING patient_id, programme

-- name: end_enrolments_on
-- A stopped consent ends what it was given for.
UPDATE enrolment SET during = daterange(lower(during), %(ends_on)s)
WHERE clinic_id = %(clinic)s AND patient_id = %(patient)s AND programme = %(programme)s
  AND during @> %(ends_on)s::date AND lower(during) < %(ends_on)s

-- name: practitioner_exists
SELECT FROM staff_membership WHERE clinic_id = %(clinic)s AND staff_id = %(practitioner)s

-- name: enrolments_of
SELECT e.id, e.programme, e.practitioner, s.name AS practitioner_name, s.credential,
       lower(e.during) AS starts_on, upper(e.during) AS ends_on, e.qualifying_conditions,
       e.high_risk_condition, e.care_plan_on, e.access_24_7, e.new_or_not_seen_12m,
       e.initiating_visit_on, e.established_patient
FROM enrolment e JOIN staff s ON s.id = e.practitioner
WHERE e.clinic_id = %(clinic)s AND e.patient_id = %(patient)s
ORDER BY e.programme, starts_on DESC

-- name: consents_of
SELECT c.id, c.programme, c.practitioner, s.name AS practitioner_name, c.given_at, c.method,
       c.elements, r.name AS recorded_by_name, c.recorded_at, c.stopped_at,
       (c.given_at AT TIME ZONE k.zone)::date AS starts_on,
       (date_trunc('month', c.stopped_at AT TIME ZONE k.zone) + INTERVAL '1 month')::date AS ends_on
FROM consent c
JOIN clinic k ON k.id = c.clinic_id
JOIN staff s ON s.id = c.practitioner
JOIN staff r ON r.id = c.recorded_by
WHERE c.clinic_id = %(clinic)s AND c.patient_id = %(patient)s
ORDER BY c.programme, c.given_at DESC
