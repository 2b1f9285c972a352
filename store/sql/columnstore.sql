-- name: license
SELECT current_setting('timescaledb.license')

-- name: enable
-- A segment is a patient of a clinic: the view's wall and a chart filter by these two columns, so
-- neither unpacks what is somebody else's.
ALTER TABLE reading SET (
    timescaledb.enable_columnstore,
    timescaledb.segmentby = 'clinic_id, patient_id',
    timescaledb.orderby = 'measured_at DESC, reading_id')

-- name: add_policy
CALL add_columnstore_policy('reading', after => make_interval(days => %(days)s),
                            if_not_exists => true)
