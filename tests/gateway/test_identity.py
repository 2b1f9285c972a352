"""Who a box is: the file of its enrolment, and what the settings make of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from gateway import enrol, identity
from gateway.identity import Identity
from gateway.settings import Settings
from gateway.spool_file import SpoolFile
from gateway.unenrolled import is_unenrolled
from tests.gateway.test_spool import NOW, record
from vitals import enrolment
from vitals.enrolment import Granted

SERVER = "https://care.example.org"
START = datetime(2026, 3, 1, tzinfo=UTC)


def granted(number: int, clinic: str = "north") -> Granted:
    return Granted(
        clinic=clinic,
        gateway="gw-1",
        user=f"{clinic}/gw-1/{number}",
        broker="mqtts://broker.example.org:8883",
        ca="-----BEGIN CERTIFICATE-----\n",
        issued_at=START,
        expires_at=START + timedelta(days=365),
    )


def enrolled() -> Identity:
    known, secret = Identity(server=SERVER).asking(SERVER)
    return known.granted(granted(1), secret, keep=0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "identity.json"


def test_the_secret_is_on_the_disk_before_anybody_is_asked(path: Path) -> None:
    """A loss of power between the question and the answer: asked again with the same one."""
    known, secret = Identity(server=SERVER).asking(SERVER)
    identity.save(path, known)
    again = identity.load(path)
    assert again is not None
    assert again.asking(SERVER) == (again, secret)
    assert enrolment.matches(secret.password, secret.verifier)
    assert again.asking("https://elsewhere.example")[1] != secret
    assert again.refused().asking(SERVER)[1] != secret


def test_it_is_for_the_box_alone_and_whole(path: Path) -> None:
    identity.save(path, enrolled())
    assert path.stat().st_mode & 0o777 == 0o600
    assert identity.ca_path(path).stat().st_mode & 0o777 == 0o600
    assert identity.load(path) == enrolled_like(path)
    path.write_text('{"server": "https')
    with pytest.raises(ValueError, match="damaged"):
        identity.load(path)


def enrolled_like(path: Path) -> Identity:
    known = identity.load(path)
    assert known is not None
    assert (known.clinic, known.gateway, known.is_enrolled) == ("north", "gw-1", True)
    return known


def test_settings_take_from_it_what_the_environment_does_not_say(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEARTHLINE_GATEWAY_IDENTITY", str(path))
    with pytest.raises(ValidationError) as missing:
        Settings()
    assert is_unenrolled(missing.value)
    known = enrolled()
    identity.save(path, known)
    settings = Settings()
    assert (settings.clinic, settings.name) == ("north", "gw-1")
    assert (settings.broker.username, settings.broker.host) == (
        "north/gw-1/1",
        "broker.example.org",
    )
    assert settings.broker.password == known.credentials[0].password
    assert settings.mqtt_ca == identity.ca_path(path)
    monkeypatch.setenv("HEARTHLINE_GATEWAY_HOME_ZONE", "Mars/Olympus")
    with pytest.raises(ValidationError) as wrong:
        Settings()
    assert not is_unenrolled(wrong.value)


def test_while_one_credential_takes_the_place_of_another_both_stand() -> None:
    known, secret = enrolled().asking(SERVER)
    renewed = known.granted(granted(2), secret, keep=1)
    assert [c.user for c in renewed.credentials] == ["north/gw-1/2", "north/gw-1/1"]
    assert renewed.connected_as("north/gw-1/1") == renewed
    assert [c.user for c in renewed.connected_as("north/gw-1/2").credentials] == ["north/gw-1/2"]
    assert renewed.connected_as("somebody") == renewed


def test_readings_that_wait_are_the_clinics_they_were_read_for(path: Path) -> None:
    spool = path.parent / "spool.sqlite3"
    assert enrol.waiting_for(path, spool) is None
    identity.save(path, enrolled())
    assert enrol.waiting_for(path, spool) is None
    file = SpoolFile(spool)
    assert enrol.waiting_for(path, spool) is None
    file.add(record(1), NOW)
    assert enrol.waiting_for(path, spool) == "north"
    file.close()


@pytest.mark.parametrize("text", ["http://care.example.org", "ftp://x", "", "https://"])
def test_only_https_is_asked(text: str) -> None:
    with pytest.raises(enrol.EnrolFailed):
        enrol.server_of(text)


def test_an_address_is_understood_however_it_is_typed() -> None:
    for text in ("care.example.org", "https://care.example.org/", "https://care.example.org/homes"):
        assert enrol.server_of(text) == SERVER
    assert enrol.server_of("http://127.0.0.1:8080") == "http://127.0.0.1:8080"


def test_nobody_there_is_said_and_keeps_the_secret(path: Path) -> None:
    with pytest.raises(enrol.Unreachable):
        enrol.enrol(path, "http://127.0.0.1:9", "ABCD-EFGH-JKMN")
    kept = identity.load(path)
    assert kept is not None
    assert kept.pending is not None
    assert not kept.is_enrolled
