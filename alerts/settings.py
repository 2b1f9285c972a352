"""The only reader of the environment in this package."""

from __future__ import annotations

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """`HEARTHLINE_…`: one worker. Any number of them may run on one database."""

    model_config = SettingsConfigDict(env_prefix="HEARTHLINE_", frozen=True)

    database_url: SecretStr  # of a login with the role hl_worker
    metrics_host: str = "127.0.0.1"
    metrics_port: int = 9465
    poll_s: float = Field(default=5.0, gt=0)  # a wake-up may be missed, a mark may not
    set_size: int = Field(default=250, ge=1)  # patients of one transaction, at most
