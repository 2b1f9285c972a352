"""The only reader of the environment in this package."""

from __future__ import annotations

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """`HEARTHLINE_…`: the sweep of timers whose lease ran out. Any number may run."""

    model_config = SettingsConfigDict(env_prefix="HEARTHLINE_", frozen=True)

    database_url: SecretStr
    metrics_host: str = "127.0.0.1"
    metrics_port: int = 9466
    sweep_every_s: float = Field(default=15.0, gt=0)
