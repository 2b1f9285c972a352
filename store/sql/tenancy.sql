-- name: set_session
SELECT set_config('hearthline.clinic', %(clinic)s, true),
       set_config('hearthline.staff', %(staff)s, true),
       set_config('hearthline.token', %(token)s, true)
