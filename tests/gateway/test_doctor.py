"""The doctor: what it finds, what it says to do, and when it is content."""

from __future__ import annotations

import json
import socket
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway import checks, doctor, identity
from gateway.checks import Verdict
from gateway.link import AdapterState, Health
from gateway.notify import Notifier
from gateway.settings import Settings
from gateway.spool_file import SpoolFile
from tests.gateway.disks import fill, mounted
from tests.gateway.test_identity import START, enrolled
from tests.gateway.test_spool import record
from vitals import wire

NOW = START + timedelta(days=10)


def words(findings: list[checks.Finding]) -> str:
    return " ".join(f"{f.verdict} {f.found} {f.do}" for f in findings)


@pytest.mark.parametrize("health", [h for h in Health if h is not Health.READY])
def test_every_way_an_adapter_can_be_wrong_has_something_to_do(health: Health) -> None:
    (finding,) = checks.adapter(AdapterState(health=health, name=None, stack=None))
    assert finding.verdict is Verdict.BAD
    assert finding.do


def test_an_adapter_that_works_and_the_age_of_its_stack() -> None:
    found = checks.adapter(AdapterState(health=Health.READY, name="hci0", stack="BlueZ 5.82"))
    assert [f.verdict for f in found] == [Verdict.GOOD, Verdict.GOOD]
    found = checks.adapter(AdapterState(health=Health.READY, name="hci0", stack="BlueZ 5.50"))
    assert found[1].verdict is Verdict.NOTICE


def test_rights_on_the_bus_are_told_from_nothing_there() -> None:
    refused = checks.bus_refused(RuntimeError("org.freedesktop.DBus.Error.AccessDenied: no"))
    assert "usermod -aG bluetooth" in refused.do
    assert "systemctl enable" in checks.bus_refused(FileNotFoundError("/run/dbus")).do


def test_enrolment(tmp_path: Path) -> None:
    path = tmp_path / "identity.json"
    assert "nobody's gateway" in checks.enrolment(path, NOW).found
    identity.save(path, enrolled())
    assert checks.enrolment(path, NOW).verdict is Verdict.GOOD
    assert "has ended" in checks.enrolment(path, NOW + timedelta(days=400)).found
    path.chmod(0o644)
    assert "chmod 600" in checks.enrolment(path, NOW).do


def test_a_clock_that_was_never_set_or_is_not_kept() -> None:
    unset = datetime(1970, 1, 2, tzinfo=UTC)
    assert checks.clock(unset, synchronised=None).verdict is Verdict.BAD
    assert checks.clock(NOW, synchronised=False).verdict is Verdict.BAD
    assert checks.clock(NOW, synchronised=None).verdict is Verdict.NOTICE
    assert checks.clock(NOW, synchronised=True).verdict is Verdict.GOOD


def test_a_disk_that_is_full(tmp_path: Path) -> None:
    assert checks.disk(tmp_path / "nowhere" / "spool").verdict is Verdict.BAD
    with mounted(tmp_path / "disk") as disk:
        fill(disk)
        assert "0 MB left" in checks.disk(disk / "spool").found


def test_the_spool_is_looked_into_beside_a_running_gateway(tmp_path: Path) -> None:
    path = tmp_path / "spool.sqlite3"
    assert checks.spool(path, NOW)[0].verdict is Verdict.NOTICE
    with closing(SpoolFile(path)) as file:
        file.add(record(1), NOW - timedelta(hours=30))
        file.add(record(2), NOW)
        file.reject([(record(2).id, "bad_time")], NOW)
        receipt = wire.Receipt(stored=[record(3).id])
        file.note_receipts([(receipt, NOW - timedelta(minutes=5))])
        (tmp_path / "spool.sqlite3.corrupt-x").touch()
        found = words(checks.spool(path, NOW))
    for told in ("1 readings wait, the oldest for 30.0 h", "1 readings were refused", "5 min ago"):
        assert told in found
    assert "1 damaged files are kept" in found
    path.write_bytes(b"no database " * 1000)
    assert checks.spool(path, NOW)[0].verdict is Verdict.BAD


async def test_a_broker_that_is_not_there_is_said_so() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = Settings(clinic="c", name="g", mqtt_url=f"mqtt://127.0.0.1:{port}")
    (finding,) = await checks.broker(settings)
    assert finding.verdict is Verdict.BAD
    assert str(port) in finding.do


def test_it_tells_people_and_scripts(capsys: pytest.CaptureFixture[str]) -> None:
    found = [checks.good("disk", "room"), checks.bad("clock", "wrong", "set it")]
    assert doctor.tell(found[:1], as_json=False) == 0
    assert doctor.tell(found, as_json=False) == 1
    assert "-> set it" in capsys.readouterr().out
    assert doctor.tell(found, as_json=True) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["ok"], told["findings"][1]["verdict"]) == (False, "bad")


async def test_all_of_it_on_a_blank_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No bus, no identity, no spool: each check still says its word."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path}/no-bus")
    found = {f.check: f.verdict for f in await doctor.examine(NOW)}
    assert found["enrolment"] is Verdict.BAD
    assert found["adapter"] is Verdict.BAD
    assert {"software", "clock", "disk", "spool"} <= found.keys()


def test_systemd_hears_that_it_is_ready_alive_and_leaving(tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(address)
        notifier = Notifier(address)
        notifier.ready()
        notifier.alive("spool ok")
        notifier.leaving()
        said = [systemd.recv(200) for _ in range(3)]
    assert said == [b"READY=1", b"WATCHDOG=1\nSTATUS=spool ok", b"STOPPING=1"]
    Notifier(None).ready()
    Notifier(str(tmp_path / "gone")).ready()


def test_a_read_only_look_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "spool.sqlite3"
    with closing(SpoolFile(path)) as file:
        file.add(record(1), NOW)
    with closing(checks._read_only(path)) as db, pytest.raises(sqlite3.OperationalError):
        db.execute("DELETE FROM reading")
