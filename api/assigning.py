"""The form that says whose a device was: its fields, their problems, the period they mean."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from ccm_link.local_time import NoSuchTime, TwoSuchTimes, instant_of
from store.reassign import Period
from store.rows import NO_SLOT

NOBODY = "nobody"
_IS_SLOT = re.compile(r"\d{1,3}")
_LARGEST_SLOT = 255  # one byte on the air; 255: the device did not know the user


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignForm:
    """As typed. Times are local to the clinic, as `<input type="datetime-local">` gives them."""

    slot: str = ""
    patient: str = ""
    starts: str = ""
    ends: str = ""
    undecided: bool = False

    @classmethod
    def of(cls, fields: Mapping[str, object]) -> AssignForm:
        words = {key: str(fields.get(key) or "") for key in ("slot", "patient", "starts", "ends")}
        return cls(**words, undecided=bool(fields.get("undecided")))

    def query(self) -> str:
        """The same form as a link that shows its effect."""
        fields = {"slot": self.slot, "patient": self.patient, "starts": self.starts}
        fields |= {"ends": self.ends, "check": "yes"}
        return urlencode(fields | ({"undecided": "yes"} if self.undecided else {}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A period, or what is wrong with the form."""

    period: Period | None
    problems: dict[str, str]


def check(form: AssignForm, *, device: str, zone: ZoneInfo, now: datetime) -> Checked:
    problems: dict[str, str] = {}  # in the order of the fields
    patient = _patient(form.patient, problems)
    slot = _slot(form.slot, problems)
    starts = _instant(form.starts, zone, "starts", problems)
    ends = _instant(form.ends, zone, "ends", problems) if form.ends else None
    if starts and starts > now:
        problems["starts"] = "Enter a start that is not in the future"
    if starts and ends and ends <= starts:
        problems["ends"] = "Enter an end that comes after the start"
    if problems or starts is None:
        return Checked(period=None, problems=problems)
    period = Period(
        device=device,
        user_slot=slot,
        starts_at=starts,
        ends_at=ends,
        patient=patient,
        undecided=form.undecided and patient is not None,
    )
    return Checked(period=period, problems={})


def local(instant: datetime | None, zone: ZoneInfo) -> str:
    """An instant as the form's field shows it, to the second where it has one."""
    if instant is None:
        return ""
    shown = instant.astimezone(zone)
    return f"{shown:%Y-%m-%dT%H:%M:%S}" if shown.second else f"{shown:%Y-%m-%dT%H:%M}"


def slot_text(slot: int) -> str:
    return "" if slot == NO_SLOT else str(slot)


def _slot(text: str, problems: dict[str, str]) -> int:
    if not text.strip():
        return NO_SLOT
    if not _IS_SLOT.fullmatch(text.strip()) or int(text) > _LARGEST_SLOT:
        problems["slot"] = "Enter the number of the user on the device, or leave it empty"
        return NO_SLOT
    return int(text)


def _instant(text: str, zone: ZoneInfo, field: str, problems: dict[str, str]) -> datetime | None:
    try:
        return instant_of(text, zone)
    except NoSuchTime:
        problems[field] = "The clocks went forward over this time: enter one an hour later"
    except TwoSuchTimes:
        problems[field] = "This hour came twice that night: enter a time before or after it"
    except ValueError:
        problems[field] = "Enter a date and a time"
    return None


def _patient(text: str, problems: dict[str, str]) -> UUID | None:
    if text == NOBODY:
        return None
    try:
        return UUID(text)
    except ValueError:
        problems["patient"] = "Choose who used it, or nobody"
        return None
