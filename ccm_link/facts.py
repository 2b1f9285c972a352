"""The facts of one patient's month, and their strict reading from JSON.

What a person can get wrong inside a time entry (no offset, no end) is a finding of the evaluation,
because the rest of the month still bills. Anything else that is wrong is an `InputError`.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from ccm_link.calendar_month import Month
from ccm_link.codes import Programme, Role
from ccm_link.raw_case import InputError, tidied

Name = Annotated[str, Meta(min_length=1)]
Code = Annotated[str, Meta(pattern="^[0-9A-Z]{5}$")]
Aware = Annotated[datetime, Meta(tz=True)]
Count = Annotated[int, Meta(ge=0)]
ApcmCode = Literal["G0556", "G0557", "G0558"]

_PATH = re.compile(r" - at `(.+?)`$")
_FIELD = re.compile(r"(?:unknown|required) field `(.+?)`")


class Instant(str):
    """An aware instant that is quoted back as it was written."""

    __slots__ = ()

    @property
    def at(self) -> datetime:
        return datetime.fromisoformat(self)

    @classmethod
    def parse(cls, text: str) -> Instant:
        """Read an ISO instant.

        Raises:
            ValueError: no instant, or one without an offset.
        """
        found = cls(text)
        if found.at.tzinfo is None:
            raise ValueError("an instant needs an offset")
        return found


class _Fact(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """Unknown fields are refused: a misspelt one would change what is billed."""


class Policy(_Fact, frozen=True):
    """Overrides of the rules' switches."""

    qhp_time_counts_as_staff: bool = False
    caps: dict[Code, Count] = {}


class Consent(_Fact, frozen=True):
    """When the patient agreed, and to what."""

    at: Aware
    method: Literal["verbal", "written"]
    elements: list[Name] = []


class Enrollment(_Fact, frozen=True):
    """A programme that the patient is in, and what its gates ask for."""

    program: Programme
    practitioner: Name
    qualifying_conditions: Count = 0
    high_risk_condition: bool = False
    care_plan: bool = False
    access_24_7: bool = True
    new_or_not_seen_12m: bool = False
    initiating_visit: date | None = None
    complex_mdm: Literal["moderate", "high"] | None = None
    consent: Consent | None = None
    since: date | None = None  # days of enrolment, both included; ours, not in the cases
    until: date | None = None


class TimeEntry(_Fact, frozen=True):
    """Somebody's work for this patient."""

    id: Name
    program: Programme
    staff: Name
    role: Role
    activity: Name
    start: datetime | None = None
    end: datetime | None = None
    minutes: float | None = None


class Elsewhere(_Fact, frozen=True):
    """The same person, logged on another patient."""

    staff: Name
    start: Aware
    end: Aware


class Stay(_Fact, frozen=True):
    """Inpatient days, both included."""

    from_: date = msgspec.field(name="from")
    to: date


class OtherClaim(_Fact, frozen=True):
    """Already billed for this patient this month."""

    code: Code
    practitioner: Name


class G0506(_Fact, frozen=True):
    """Extra planning work beside the initiating visit."""

    already_billed: bool = False
    with_initiating_visit: bool = False
    personally_by_billing_practitioner: bool = False


class DeviceReading(_Fact, frozen=True):
    """One successful reading of this patient."""

    at: Instant
    device: Name | None = None
    manual: bool = False


class Setup(_Fact, frozen=True):
    """Setting up the devices and teaching their use."""

    date: date
    already_billed_this_episode: bool = False


class Rpm(_Fact, frozen=True):
    """What remote monitoring delivered."""

    established_patient: bool = True
    fda_device: bool = True
    period_starts: list[date] = []
    reading_days: list[date] = []
    readings: list[DeviceReading] = []
    setup: Setup | None = None
    interactive: list[Aware] = []
    qhp_interpretation_seconds: Count = 0


class Facts(_Fact, frozen=True):
    """One patient, one month."""

    month: Month
    practice_tz: ZoneInfo
    billing_practitioner: Name
    patient_tz: ZoneInfo | None = None
    policy: Policy = Policy()
    enrollments: list[Enrollment] = []
    time_entries: list[TimeEntry] = []
    staff_other_patient: list[Elsewhere] = []
    inpatient_stays: list[Stay] = []
    other_claims: list[OtherClaim] = []
    apcm: list[ApcmCode] = []
    g0506: G0506 | None = None
    request_g0511: bool = False
    rpm: Rpm | None = None

    @property
    def patient_zone(self) -> ZoneInfo:
        """Days are the patient's, months are the practice's (I11)."""
        return self.patient_tz or self.practice_tz

    def enrolled(self, programme: Programme) -> Enrollment | None:
        """The billing practitioner's enrolment first: only one bills a programme."""
        found = [e for e in self.enrollments if e.program is programme]
        if len(found) < 2:  # noqa: PLR2004 -- nothing to choose between
            return found[0] if found else None
        key = self.billing_practitioner
        return min(found, key=lambda e: (e.practitioner != key, msgspec.json.encode(e)))


def decode(data: bytes | str) -> Facts:
    """Read a case's `input`.

    Raises:
        InputError: with the path of the first wrong field.
    """
    try:
        raw = tidied(msgspec.json.decode(data))
        facts = msgspec.convert(raw, Facts, dec_hook=_decode_own)
    except msgspec.ValidationError as exc:
        raise _located(str(exc)) from exc
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise InputError("$", str(exc)) from exc
    except RecursionError as exc:
        raise InputError("$", "is nested too deeply") from exc
    _check(facts)
    return facts


def _decode_own(kind: type[Any], value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError(f"expected text, got {type(value).__name__}")  # noqa: TRY004 -- with its path
    if kind is ZoneInfo:
        return _zone(value)
    if kind is Month:
        return Month.parse(value)
    if kind is Instant:
        return Instant.parse(value)
    raise NotImplementedError(kind)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as exc:
        raise ValueError(f"{name!r} is no time zone") from exc


def _located(message: str) -> InputError:
    """The decoder says where the object is; we name the field as well."""
    at = _PATH.search(message)
    path = at[1] if at else "$"
    if field := _FIELD.search(message):
        path = f"{path}.{field[1]}"
    return InputError(path, _PATH.sub("", message))


def _check(facts: Facts) -> None:
    for index, stay in enumerate(facts.inpatient_stays):
        if stay.to < stay.from_:
            raise InputError(f"$.inpatient_stays[{index}].to", "is before its `from`")
    for index, other in enumerate(facts.staff_other_patient):
        if other.end <= other.start:
            raise InputError(f"$.staff_other_patient[{index}].end", "is not after its start")
    _check_ids(facts.time_entries)


def _check_ids(entries: list[TimeEntry]) -> None:
    """An id that stands for two different entries would make evidence ambiguous."""
    seen: dict[str, TimeEntry] = {}
    for index, entry in enumerate(entries):
        if seen.setdefault(entry.id, entry) != entry:
            raise InputError(f"$.time_entries[{index}].id", f"{entry.id!r} is another entry's id")
