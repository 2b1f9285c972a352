-- What 0006 adds, as a worker sums up; the zone that changes asks for the rest.
INSERT INTO daily_summary (
    clinic_id, patient_id, day, measure, readings, below, above, minimum, maximum, mean,
    morning_mean, evening_mean, rated, in_range, last_at, last_value)
SELECT clinic_id, patient_id, measured_at::date, 'systolic_mmhg', count(*), 0, 0, 191, 191, 191,
       NULL, NULL, count(*), 0, max(measured_at), 191
FROM reading WHERE clinic_id = '{clinic}' AND patient_id IS NOT NULL GROUP BY 1, 2, 3;
INSERT INTO reading_day (clinic_id, patient_id, day)
SELECT clinic_id, patient_id, day FROM daily_summary WHERE clinic_id = '{clinic}';
UPDATE patient SET zone = 'America/Chicago' WHERE clinic_id = '{clinic}';
