"""The only reader of the environment in this package."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """`HEARTHLINE_…` of the commands of `python -m store`."""

    model_config = SettingsConfigDict(env_prefix="HEARTHLINE_", frozen=True)

    database_url: SecretStr  # the administrator's; of `audit-seal`: a login with hl_sealer
    audit_keys_file: Path | None = None  # the sealer's keys, 0600, outside the database
    audit_head_file: Path | None = None  # where `audit-seal` exports the ends of the chains
    pg_tools: str = ""  # what stands before pg_dump and pg_restore where they are not on the PATH
    metrics_host: str = "127.0.0.1"  # of `audit-seal --every`
    metrics_port: int = 9468


def inherited(**more: str) -> dict[str, str]:
    """This process's environment for a child, and `more`."""
    return {**os.environ, **more}
