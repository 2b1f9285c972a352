"""The only reader of the environment in this package."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """`HEARTHLINE_API_…`; the database is `HEARTHLINE_DATABASE_URL`, as `hl_api`."""

    model_config = SettingsConfigDict(env_prefix="HEARTHLINE_API_", frozen=True)

    database_url: SecretStr = Field(validation_alias="HEARTHLINE_DATABASE_URL")
    host: str = "127.0.0.1"
    port: int = 8080
    metrics_port: int = 9467
    #: False only behind plain HTTP on loopback: browsers then still send the cookie back.
    secure_cookies: bool = True
    pool_size: int = Field(default=8, ge=1)
    #: As people reach the console, `https://care.example.org`: stands in the links that it sends,
    #: and forms must come from there. Empty: whatever host a request names.
    public_url: str = ""
    #: Proxies whose X-Forwarded-For is believed (uvicorn's `forwarded_allow_ips`).
    trusted_proxies: str = "127.0.0.1"
    #: What a gateway is told when it enrols: its broker as homes reach it, `mqtts://host:port`, and
    #: the CA that signed that broker's certificate (none: a public one). Empty: boxes cannot enrol.
    gateway_broker: str = ""
    gateway_broker_ca: Path | None = None
    idle_minutes: int = Field(default=30, ge=1)  # automatic logoff, 45 CFR 164.312(a)(2)(iii)
    session_hours: int = Field(default=12, ge=1)

    @property
    def idle(self) -> timedelta:
        return timedelta(minutes=self.idle_minutes)

    @property
    def session(self) -> timedelta:
        return timedelta(hours=self.session_hours)
