"""`hearthline gateway doctor`: what stands between this box and its clinic, and what helps."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from dataclasses import asdict
from datetime import datetime

from pydantic import ValidationError

from gateway import checks
from gateway.checks import Finding, Verdict, bad
from gateway.radio import open_radio
from gateway.settings import Place, Settings

RADIO_PATIENCE_S = 8.0
NTP_PATIENCE_S = 5.0
_MARKS = {Verdict.GOOD: "ok  ", Verdict.NOTICE: "note", Verdict.BAD: "BAD "}


async def examine(now: datetime) -> list[Finding]:
    """Every check there is; one that fails keeps no other from being made."""
    place = Place()
    settings, problem = _settings()
    findings = [checks.python()]
    if problem is not None or place.identity.exists():
        findings.append(checks.enrolment(place.identity, now))
    if problem is not None and place.identity.exists():
        findings.append(bad("settings", problem, "See docs/gateway.md, “Settings”."))
    findings.append(checks.clock(now, await _synchronised()))
    findings.append(checks.disk(place.spool))
    findings += checks.spool(place.spool, now)
    findings += await _radio(settings.radio if settings else "bluez")
    if settings is not None:
        findings += await checks.broker(settings)
    return findings


def _settings() -> tuple[Settings | None, str | None]:
    try:
        return Settings(), None
    except ValidationError as exc:
        wrong = exc.errors(include_url=False, include_input=False, include_context=False)
        return None, "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in wrong)
    except ValueError as exc:
        return None, str(exc)


async def _radio(spec: str) -> list[Finding]:
    """Opened as the gateway opens it: the same rights, the same bus."""
    try:
        async with asyncio.timeout(RADIO_PATIENCE_S), open_radio(spec) as radio:
            return checks.adapter(await radio.power())
    except TimeoutError:
        do = "systemctl restart bluetooth, or unplug the box for a minute"
        return [bad("adapter", "Bluetooth does not answer", do)]
    except Exception as exc:  # noqa: BLE001 -- of any radio library; it is what is looked for
        return [checks.bus_refused(exc)]


async def _synchronised() -> bool | None:
    """What systemd says of NTP; none where it says nothing."""
    tool = shutil.which("timedatectl")
    if tool is None:
        return None
    asked = await asyncio.create_subprocess_exec(
        *(tool, "show", "--property=NTPSynchronized", "--value"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(NTP_PATIENCE_S):
            said, _ = await asked.communicate()
    except TimeoutError:
        asked.kill()
        await asked.wait()
        return None
    return {b"yes": True, b"no": False}.get(said.strip())


def tell(findings: list[Finding], *, as_json: bool) -> int:
    """Prints them; the exit code: 1 where something is to be done before readings arrive."""
    is_bad = any(finding.verdict is Verdict.BAD for finding in findings)
    if as_json:
        told = {"ok": not is_bad, "findings": [asdict(finding) for finding in findings]}
        sys.stdout.write(json.dumps(told, ensure_ascii=False) + "\n")
        return int(is_bad)
    for finding in findings:
        sys.stdout.write(f"{_MARKS[finding.verdict]} {finding.check:11} {finding.found}\n")
        if finding.do:
            sys.stdout.write(f"                 -> {finding.do}\n")
    return int(is_bad)
