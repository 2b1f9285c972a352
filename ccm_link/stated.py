"""What people stated about a patient, as the facts of one month. Pure.

A statement counts for the days or the month that it names. What is billed once for an episode
(set-up, extra planning) is looked for in the whole spell of the programme, and where two
statements compete the one that bills less is taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, Literal

from ccm_link.calendar_month import Month
from ccm_link.facts import G0506, ApcmCode, Enrollment, OtherClaim, Setup, Stay

Row = Mapping[str, Any]
A_DAY = timedelta(days=1)
SETUP, PLANNING = "99453", "G0506"  # billed once for an episode
#: Whoever bills elsewhere; our own practitioners go by their keys.
ANOTHER_PRACTICE = "another practice"
Level = Literal["moderate", "high"]


class Kind(StrEnum):
    """What can be stated; the columns that each one fills are checked by the database."""

    INPATIENT_STAY = "inpatient_stay"
    OTHER_CLAIM = "other_claim"
    COMPLEX_DECISION = "complex_decision"
    APCM = "apcm"
    DEVICE_SETUP = "device_setup"
    CARE_PLANNING = "care_planning"


SIGNED = "signed"  # no statement: a line of another month that is signed


def stays(stated: Iterable[Row], month: Month, today: date) -> list[Stay]:
    """Those that touch the month. One that is still open reaches to today, and never beyond it.

    Days are the patient's and the month is the practice's, so a day more is kept on either side.
    """
    before, after = month.first - A_DAY, month.last + A_DAY
    found = []
    for row in _of(stated, Kind.INPATIENT_STAY):
        last = min(row["last_day"] or today, after)
        if before <= last and row["first_day"] <= last:
            found.append(Stay(from_=row["first_day"], to=last))
    return found


def other_claims(stated: Iterable[Row], month: Month) -> list[OtherClaim]:
    return [
        OtherClaim(code=row["code"], practitioner=str(row["by_staff"] or ANOTHER_PRACTICE))
        for row in _of(stated, Kind.OTHER_CLAIM)
        if row["first_day"] == month.first
    ]


def complex_decision(stated: Iterable[Row], month: Month, practitioner: str) -> Level | None:
    """Only the billing practitioner's own decision-making makes care complex."""
    levels: list[Level] = [
        row["level"]
        for row in _of(stated, Kind.COMPLEX_DECISION)
        if row["first_day"] == month.first and str(row["by_staff"]) == practitioner
    ]
    return levels[0] if levels else None


def apcm(stated: Iterable[Row], month: Month) -> list[ApcmCode]:
    return [row["code"] for row in _of(stated, Kind.APCM) if row["first_day"] == month.first]


def setup(stated: Sequence[Row], month: Month, rpm: Enrollment, length: int) -> Setup | None:
    """The first of the spell, as long as days of its first period can fall into the month."""
    found = list(_setups(stated, month, rpm, length))
    if not found or found[0]["first_day"] + timedelta(days=length) <= month.first:
        return None
    done = _claimed(stated, SETUP, month, rpm)
    return Setup(date=found[0]["first_day"], already_billed_this_episode=done)


def fda_device(stated: Sequence[Row], month: Month, rpm: Enrollment, length: int) -> bool:
    """One statement that a device is none is enough; without any the devices are taken to be."""
    return all(row["fda_device"] for row in _setups(stated, month, rpm, length))


def _setups(stated: Iterable[Row], month: Month, rpm: Enrollment, length: int) -> Iterator[Row]:
    """Devices are often brought a little before the programme begins."""
    since = date.min if rpm.since is None else rpm.since - timedelta(days=length)
    for row in _of(stated, Kind.DEVICE_SETUP):
        if since <= row["first_day"] <= month.last:
            yield row


def planning(stated: Sequence[Row], month: Month, ccm: Enrollment | None) -> G0506 | None:
    """The first of the month; one that could bill before it, or did, has used it up."""
    own = list(_of(stated, Kind.CARE_PLANNING))
    rows = [row for row in own if row["first_day"] in month]
    if not rows:
        return None
    first = rows[0]
    earlier = any(
        row["with_visit"] and row["personally"] and _in_spell(row["first_day"], ccm)
        for row in own
        if row["first_day"] < month.first
    )
    practitioner = str(first["by_staff"])
    return G0506(
        already_billed=earlier or _claimed(stated, PLANNING, month, ccm),
        with_initiating_visit=first["with_visit"],
        personally_by_billing_practitioner=first["personally"]
        and (ccm is None or practitioner == ccm.practitioner),
    )


def _claimed(stated: Iterable[Row], code: str, month: Month, spell: Enrollment | None) -> bool:
    """In this spell, by whomever: stated up to this month, or signed in any other."""
    return any(
        row["code"] == code
        and (row["kind"] == SIGNED or row["first_day"] <= month.first)
        and _in_spell(_end(row), spell)
        for row in stated
        if row["kind"] in {Kind.OTHER_CLAIM, SIGNED}
    )


def _end(row: Row) -> date:
    return Month.of(row["first_day"]).last


def _in_spell(day: date, spell: Enrollment | None) -> bool:
    return spell is None or spell.since is None or day >= spell.since


def _of(stated: Iterable[Row], kind: Kind) -> Iterator[Row]:
    return (row for row in stated if row["kind"] == kind)
