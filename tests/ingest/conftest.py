from __future__ import annotations

from tests.store.conftest import admin, database, home, template

__all__ = ["admin", "database", "home", "template"]
