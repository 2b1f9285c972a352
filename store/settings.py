"""The only reader of the environment in this package."""

from __future__ import annotations

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """`HEARTHLINE_DATABASE_URL`."""

    model_config = SettingsConfigDict(env_prefix="HEARTHLINE_", frozen=True)

    database_url: SecretStr  # the administrator's
