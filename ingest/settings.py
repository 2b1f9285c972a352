"""The only reader of the environment in this package."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

#: Largest packet the broker may send us: an envelope of wire.MAX_BYTES, and topic and properties.
MAX_PACKET = 266_240  # bytes
#: What may lie unacknowledged in memory: RECEIVE_MAXIMUM x MAX_PACKET stays below 64 MB.
RECEIVE_MAXIMUM = 240  # messages
SESSION_EXPIRY = 7 * 24 * 3600  # seconds the broker keeps messages for an absent worker


class Settings(BaseSettings):
    """`HEARTHLINE_…`: one worker."""

    model_config = SettingsConfigDict(env_prefix="HEARTHLINE_", frozen=True)

    database_url: SecretStr
    mqtt_url: SecretStr
    mqtt_ca: Path | None = None
    client_id: str = "hl-ingest-1"  # one per worker, stable: the broker's session hangs on it
    metrics_host: str = "127.0.0.1"
    metrics_port: int = 9464
    batch_size: int = Field(default=500, ge=1)  # messages; never more than half the window
    batch_age_ms: int = Field(default=10, ge=0)  # a message waits so long for others at most

    @property
    def batch_limit(self) -> int:
        """Half of what may be under way: the other half arrives while this one is written."""
        return min(self.batch_size, RECEIVE_MAXIMUM // 2)


class ReplaySettings(BaseSettings):
    """Of `python -m ingest replay`: no broker, and the console's login."""

    model_config = SettingsConfigDict(env_prefix="HEARTHLINE_", frozen=True)

    database_url: SecretStr  # of a login with hl_api
