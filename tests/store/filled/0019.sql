-- What 0019 adds.
INSERT INTO time_import (id, clinic_id, file_sha256, columns, imported_by, imported_at)
VALUES (md5('{clinic} import')::uuid, '{clinic}', sha256('{clinic} file'), ARRAY['note'],
        md5('{clinic} nurse')::uuid, now());
INSERT INTO time_import_reject (clinic_id, import_id, line, reason, cells)
VALUES ('{clinic}', md5('{clinic} import')::uuid, 3, 'no such person', ARRAY['N-1', 'x@y.example']);
