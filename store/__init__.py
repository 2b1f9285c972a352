"""The only package that talks SQL: pool, migrations, named queries."""
