-- "It is somebody else's": an alert's readings leave the chart, and come back if that is undone.
SET LOCAL lock_timeout = '4s';

SET LOCAL ROLE hl_owner;

-- The alert was closed by saying so: there is nothing left to look at again, and the time spent on
-- finding it out was this patient's.
CREATE FUNCTION disown_readings(the_alert uuid, at timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM give_readings(
        ARRAY(SELECT f.reading_id FROM finding f
              WHERE f.clinic_id = session_clinic() AND f.alert_id = the_alert
                AND f.withdrawn_at IS NULL AND f.reading_id IS NOT NULL),
        '{}', NULL, NULL, at);
    UPDATE alert SET review_reason = NULL WHERE clinic_id = session_clinic() AND id = the_alert;
    UPDATE time_entry e SET review_reason = NULL FROM care_task t
    WHERE e.clinic_id = session_clinic() AND t.clinic_id = e.clinic_id AND t.id = e.task_id
      AND t.alert_id = the_alert;
END
$$;

CREATE FUNCTION disowned_readings(the_alert uuid) RETURNS uuid[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce(array_agg(f.reading_id), '{}')
    FROM finding f
    JOIN reading_key k ON k.clinic_id = f.clinic_id AND k.reading_id = f.reading_id
    JOIN reading r ON r.clinic_id = k.clinic_id AND r.reading_id = k.reading_id
        AND r.measured_at = k.measured_at
    WHERE f.clinic_id = session_clinic() AND f.alert_id = the_alert
      AND f.withdrawn_at IS NOT NULL AND r.patient_id IS NULL
$$;

REVOKE ALL ON FUNCTION disown_readings, disowned_readings FROM PUBLIC;

GRANT EXECUTE ON FUNCTION disown_readings, disowned_readings TO hl_api;

RESET ROLE;
