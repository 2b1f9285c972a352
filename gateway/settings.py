"""The gateway's settings: the only reader of its environment (`HEARTHLINE_GATEWAY_…`).

What the environment does not say of clinic, name and broker is taken from the file that enrolment
wrote (`gateway.identity`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from gateway import identity
from vitals.topics import is_name


class Settings(BaseSettings):
    """Validated once at start; never changes after."""

    model_config = SettingsConfigDict(env_prefix="HEARTHLINE_GATEWAY_", frozen=True)

    clinic: str
    name: str
    mqtt_url: SecretStr  # mqtts://user:password@host:port
    mqtt_ca: Path | None = None  # CA that signed the broker's certificate; None: the system's
    radio: str = "bluez"  # or bumble:tcp-client:HOST:PORT
    identity: Path = Path("gateway-identity.json")  # what enrolment wrote
    spool: Path = Path("gateway-spool.sqlite3")
    spool_max_mb: int = Field(default=512, ge=1)  # of the disk; about half a million readings
    keys: Path = Path("gateway-keys.json")  # bonds, where the radio keeps none itself
    home_zone: str = "UTC"
    accept: Annotated[frozenset[str] | Literal["any"], NoDecode] = "any"  # or A,B,C
    notify_socket: str | None = Field(default=None, validation_alias="NOTIFY_SOCKET")  # systemd's
    metrics_host: str = "127.0.0.1"
    metrics_port: int | None = None
    portal_port: int | None = None  # of the pairing pages; None: there are none
    portal_host: str = "127.0.0.1"  # 0.0.0.0: the whole home network
    portal_names: Annotated[frozenset[str], NoDecode] = frozenset()  # by which browsers call it
    portal_pin: Path | None = None  # file; made at the first start, beside the spool
    pair_socket: Path | None = None  # of `hearthline gateway pair`; beside the spool
    emergency_number: str = Field(default="911", pattern=r"^[0-9 +]{2,20}$")
    clinic_phone: str | None = Field(default=None, pattern=r"^[0-9 ()+.-]{3,30}$")
    quiet_exit_s: float | None = Field(default=None, gt=0)
    unread_exit_s: float = Field(default=60.0, gt=0)  # nor leave a half-read device before this
    visits_at_once: int = Field(default=8, ge=1)  # links that the adapter can hold
    revisit_s: float = Field(default=30.0, gt=0)  # rest between two visits of one device
    quiet_s: float = Field(default=5.0, gt=0)  # a device silent this long has told us all
    stream_s: float = Field(default=12.0, gt=0)  # how long a strap is listened to
    stream_rest_s: float = Field(default=900.0, gt=0)  # and then left alone
    context_wait_s: float = Field(default=3.0, gt=0)
    connect_timeout_s: float = Field(default=20.0, gt=0)
    pairing_timeout_s: float = Field(default=60.0, gt=0)  # to connect with what is not bonded yet
    #: Of scales that tell nothing without: {address: {user slot: consent code}}
    consents: dict[str, dict[int, int]] = Field(default_factory=dict, repr=False)
    session_timeout_s: float = Field(default=300.0, gt=0)
    resend_s: float = Field(default=5.0, gt=0)
    resend_max_s: float = Field(default=60.0, gt=0)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 -- the library's signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, _Enrolled(settings_cls)

    @field_validator("clinic", "name")
    @classmethod
    def _is_topic_name(cls, value: str) -> str:
        if not is_name(value):
            raise ValueError("lower-case letters, digits and hyphens, 64 at most")
        return value

    @field_validator("home_zone")
    @classmethod
    def _is_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (LookupError, OSError) as exc:  # unknown, or a folder of the list
            raise ValueError("not a time zone of this machine") from exc
        return value

    @field_validator("consents")
    @classmethod
    def _by_address(cls, value: dict[str, dict[int, int]]) -> dict[str, dict[int, int]]:
        return {address.upper(): codes for address, codes in value.items()}

    @field_validator("accept", mode="before")
    @classmethod
    def _addresses(cls, value: object) -> object:
        if not isinstance(value, str) or value.strip().lower() == "any":
            return "any" if isinstance(value, str) else value
        return frozenset(part.strip().upper() for part in value.split(",") if part.strip())

    @field_validator("portal_names", mode="before")
    @classmethod
    def _names(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return frozenset(part.strip().lower() for part in value.split(",") if part.strip())

    @property
    def portal_pin_file(self) -> Path:
        return self.portal_pin or self.spool.with_name(f"{self.spool.stem}.pin")

    @property
    def pair_socket_file(self) -> Path:
        return self.pair_socket or self.spool.with_name(f"{self.spool.stem}.pair")

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.home_zone)

    @property
    def spool_max_bytes(self) -> int:
        return self.spool_max_mb * 1_000_000

    @property
    def broker(self) -> Broker:
        return Broker(self.mqtt_url.get_secret_value(), self.mqtt_ca)


class Place(BaseSettings):
    """Where a box keeps who it is: all that enrolment needs to know."""

    model_config = SettingsConfigDict(env_prefix="HEARTHLINE_GATEWAY_", frozen=True)

    identity: Path = Path("gateway-identity.json")
    spool: Path = Path("gateway-spool.sqlite3")
    notify_socket: str | None = Field(default=None, validation_alias="NOTIFY_SOCKET")


class _Enrolled(PydanticBaseSettingsSource):
    """Clinic, name and broker out of the file that enrolment wrote."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        path = Path(self.current_state.get("identity", Settings.model_fields["identity"].default))
        known = identity.load(path)
        if known is None or not known.is_enrolled or "mqtt_url" in self.current_state:
            return {}
        found = {"clinic": known.clinic, "name": known.gateway, "mqtt_url": known.urls()[0]}
        if known.ca is not None:
            found["mqtt_ca"] = str(identity.ca_path(path))
        return found


class Broker:
    """The broker's address, taken apart. Its repr shows no credentials."""

    def __init__(self, url: str, ca: Path | None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"mqtt", "mqtts"} or parts.hostname is None:
            raise ValueError("mqtt_url is mqtts://user:password@host:port")
        self.tls = parts.scheme == "mqtts"
        self.host = parts.hostname
        self.port = parts.port or (8883 if self.tls else 1883)
        self.username = None if parts.username is None else unquote(parts.username)
        self.password = None if parts.password is None else unquote(parts.password)
        self.ca = ca

    def __repr__(self) -> str:
        return f"Broker({self.host}:{self.port})"
