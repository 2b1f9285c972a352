-- What 0009 adds has its one row from the migration itself: a change of the registry moves it on.
UPDATE home SET label = label WHERE clinic_id = '{clinic}';
