"""The one place where an evaluation becomes words, for somebody who bills and does not program."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from string import Formatter
from typing import Any

from ccm_link.codes import Reason
from ccm_link.explain import Explanation, Kind
from ccm_link.intervals import SECOND, Length
from ccm_link.outcome import Advice, Refusal

_WHY = {
    "line_time": "{units:unit}: {time} in {entries:entry}; threshold met {served_on}.",
    "line_days": "{units:unit}: {days:day} with an automatic reading; counted to {served_on}.",
    "line_once": "{units:unit} for the month.",
}

_WHY_NOT: Mapping[str, str] = {
    Reason.NO_TIMEZONE: "The times have no offset from UTC, so they are no instants.",
    Reason.INVALID_ENTRY: "The end is not after the start.",
    Reason.UNDOCUMENTED_TIME: "Minutes without a start and an end are not documented time.",
    Reason.NOT_ENROLLED: "There is no enrolment for this at that time.",
    Reason.NON_CLINICAL_STAFF: "Time of staff who are not clinical does not count.",
    Reason.ACTIVITY_NOT_COUNTABLE: "This activity never counts: {why}.",
    Reason.DUPLICATE_ENTRY: "The same person, programme, work and times as entry {first}.",
    Reason.OUTSIDE_MONTH: "It lies outside the month.",
    Reason.SPLIT_AT_MONTH_BOUNDARY: "In another month, and counted there: {gone}.",
    Reason.STAFF_BUSY_OTHER_PATIENT: "Also logged on another patient, and held: {gone}.",
    Reason.INPATIENT: "On days in hospital or a nursing facility: {gone}.",
    Reason.TIME_BEFORE_CONSENT: "Before the patient's consent: {gone}.",
    Reason.OVERLAP_SAME_STAFF: "The same person logged part of this time before; it counts once.",
    Reason.OVERLAP_TWO_STAFF: "Two people logged the same time; it counts once.",
    Reason.CROSS_PROGRAM_DOUBLE_COUNT: "Also logged to another programme, which keeps it: {gone}.",
    Reason.NO_CONSENT: "No consent is on record before the end of the month.",
    Reason.CONSENT_INCOMPLETE: "The consent lacks: {missing}.",
    Reason.CONDITIONS_INSUFFICIENT: "Qualifying conditions: {have}, asked for: {need}.",
    Reason.NO_CARE_PLAN: "No care plan is on record.",
    Reason.NO_24_7_ACCESS: "Access around the clock is not on record.",
    Reason.NO_INITIATING_VISIT: "New or not seen for a year, and no initiating visit is on record.",
    Reason.NOT_ESTABLISHED_PATIENT: "The patient is not established with the practice.",
    Reason.OTHER_PRACTITIONER_BILLED: "Another practitioner already billed {code}.",
    Reason.PCM_CCM_SAME_PRACTITIONER: "The same practitioner bills {code}; only CCM is kept.",
    Reason.APCM_EXCLUDES_CCM_PCM: "{code} stands for the whole month's management.",
    Reason.CONCURRENT_CODE_CONFLICT: "It cannot stand beside {code}.",
    Reason.CODE_RETIRED: "This code is not payable in this month.",
    Reason.ONCE_PER_EPISODE: "Set-up was already billed for this episode.",
    Reason.ONCE_PER_INITIATION: "It was already billed with the initiating visit.",
    Reason.NOT_PERSONALLY_PERFORMED: "The billing practitioner did not do it in person.",
    Reason.TIME_BELOW_THRESHOLD: "{have} counted, {need} needed: {missing} short.",
    Reason.ADDON_MAX_UNITS: "At most {cap:unit}; beyond that, {beyond:full step} more.",
    Reason.COMPLEX_MDM_NOT_DOCUMENTED: "The time is there; complex decisions are not documented.",
    Reason.MUTUALLY_EXCLUSIVE_ALTERNATIVE: "Its time is there too; {code} was chosen this month.",
    Reason.NO_INTERACTIVE_COMMUNICATION: "No live conversation with the patient this month.",
    Reason.DAYS_BELOW_16: "{have:day} with a reading, {need} needed.",
    Reason.DAYS_BELOW_2: "{have:day} with a reading, {need} needed.",
    Reason.DEVICE_NOT_FDA_DEFINED: "The device is no medical device as the FDA defines it.",
    Reason.PERIOD_ENDS_OTHER_MONTH: (
        "The 30-day period ends {last} and bills then; {days:day} with a reading in it."
    ),
    Reason.PERIOD_NOT_ENDED: "{days:day} with a reading so far; the period runs until {last}.",
    Reason.MANUAL_READING: "Typed-in readings do not count as days.",
    "waiting_seconds": "{have} counted, waiting until the programme may bill.",
    "waiting_days": "{have:day} with a reading, waiting until the programme may bill.",
}

_RECORD = "Correct the entry: reverse it and log it again."
_WHAT_NEXT: Mapping[str, str] = {
    Reason.NO_TIMEZONE: _RECORD,
    Reason.INVALID_ENTRY: _RECORD,
    Reason.ACTIVITY_NOT_COUNTABLE: "If it was other work, reverse the entry and log it as that.",
    Reason.NON_CLINICAL_STAFF: "If the role is wrong, reverse the entry and log it again.",
    Reason.UNDOCUMENTED_TIME: "Log it again with its start and end.",
    Reason.NOT_ENROLLED: "Enrol the patient, or log the time to a programme they are in.",
    Reason.NO_CONSENT: "Record the patient's consent{by}; time before it will not count.",
    Reason.CONSENT_INCOMPLETE: "Tell the patient what is missing, and record a new consent{by}.",
    Reason.CONDITIONS_INSUFFICIENT: "Complete the qualifying conditions, if the patient has them.",
    Reason.NO_CARE_PLAN: "Make the care plan{by} and give the patient a copy.",
    Reason.NO_24_7_ACCESS: "Record how the patient reaches the practice around the clock.",
    Reason.NO_INITIATING_VISIT: "Hold the initiating visit{by} and record its date.",
    Reason.NOT_ESTABLISHED_PATIENT: "See the patient first.",
    Reason.NO_INTERACTIVE_COMMUNICATION: "Talk with the patient by phone or video{by}, and log it.",
    Reason.COMPLEX_MDM_NOT_DOCUMENTED: "If it was complex, the practitioner documents it.",
    Reason.OTHER_PRACTITIONER_BILLED: "Agree with the other practice who bills.",
    Reason.APCM_EXCLUDES_CCM_PCM: "Withdraw the advanced primary care code to bill by time.",
    Reason.STAFF_BUSY_OTHER_PATIENT: "Settle which patient the time belongs to.",
    Reason.CROSS_PROGRAM_DOUBLE_COUNT: "If it was this programme's work, reverse the other entry.",
    Reason.PERIOD_NOT_ENDED: "Wait until the period has ended; more days may still come.",
    Reason.CONCURRENT_CODE_CONFLICT: "It could bill only without {code}.",
    Reason.MUTUALLY_EXCLUSIVE_ALTERNATIVE: "Nothing to do, unless its codes come to more.",
    "short_seconds": "{missing} more by {ends_on} ({have} of {need}).",
    "short_days": (
        "{missing:more day} with a reading by {ends_on} ({have} of {need});"
        " out of reach after {last_chance}."
    ),
}

_IMPOSSIBLE: Mapping[str, str] = {
    "out_of_reach_seconds": "Not any more: the month ended {ends_on}, {missing} short.",
    "out_of_reach_days": (
        "Not any more: {missing:more day} with a reading needed by {ends_on},"
        " and the last chance was {last_chance}."
    ),
    Reason.NO_CONSENT: "Not for this month any more: consent comes before the service.",
    Reason.CONSENT_INCOMPLETE: (
        "Not for this month any more, unless the patient was told all of it in time."
    ),
    Reason.NO_CARE_PLAN: "Not for this month any more, unless the plan was made in time.",
    Reason.NO_INITIATING_VISIT: "Not for this month any more, unless the visit was held in time.",
    Reason.NO_INTERACTIVE_COMMUNICATION: (
        "Not for this month any more, unless a talk was held in it and not marked as one."
    ),
    Reason.CODE_RETIRED: "Nothing changes that: bill the individual codes.",
    Reason.ONCE_PER_EPISODE: "Nothing changes that until a new episode of care begins.",
    Reason.ONCE_PER_INITIATION: "Nothing changes that: it is paid once.",
    Reason.NOT_PERSONALLY_PERFORMED: "Nothing changes that: work of others does not earn it.",
    Reason.PCM_CCM_SAME_PRACTITIONER: "Nothing changes that while CCM bills this month.",
    Reason.ADDON_MAX_UNITS: "Nothing changes that: the limit is reached.",
    Reason.DEVICE_NOT_FDA_DEFINED: "Nothing changes that for readings of this device.",
}

_LOOK: Mapping[str, str] = {
    Advice.TWO_PERIODS: "Two 30-day periods end in this month: look at both before sending.",
    Advice.FEW_DAYS: (
        "{days:day} with a reading: some payers ask for {need} beside management time."
    ),
    Advice.PLAN_REVISION: "Some payers still ask that the care plan was made or much revised.",
    Advice.DAYS_BEFORE_CONSENT: "{days:reading day} before the consent of {agreed}.",
    Advice.ENROLLED_TWICE: "Enrolled with two practitioners: only one was evaluated.",
    Advice.INSIDE_VISIT: (
        "{gone} of it lie inside a visit of the same person that is billed on its own: "
        "take back what is paid there."
    ),
    Advice.SETUP_ELSEWHEN: "Set-up completed its days on {reached}, and belongs to that month.",
}

_SENTENCES = {
    Kind.WHY: _WHY,
    Kind.WHY_NOT: _WHY_NOT,
    Kind.WHAT_NEXT: _WHAT_NEXT,
    Kind.IMPOSSIBLE: _IMPOSSIBLE,
    Kind.LOOK: _LOOK,
}


class _Plain(Formatter):
    """Fills a sentence with values as people write them; `{days:day}` counts."""

    def format_field(self, value: Any, format_spec: str) -> str:
        return counted(value, format_spec) if format_spec else plain(value)


def counted(number: int, noun: str) -> str:
    """`1 day`, `2 days`, `3 more days`, `0 entries`."""
    if number == 1:
        return f"1 {noun}"
    plural = f"{noun[:-1]}ies" if noun.endswith("ry") else f"{noun}s"
    return f"{number} {plural}"


def plain(value: object) -> str:
    if isinstance(value, Length):
        return length(value)
    if isinstance(value, date):
        return f"{value:%b} {value.day}, {value.year}"
    if isinstance(value, tuple):
        *before, last = (plain(part) for part in value)
        return f"{', '.join(before)} and {last}" if before else last
    return str(value).replace("_", " ")


def length(micros: int) -> str:
    """`3 min 20 s`; parts of a second are dropped, only here."""
    minutes, seconds = divmod(micros // SECOND, 60)
    words = [f"{minutes} min"] if minutes else []
    if seconds or not minutes:
        words.append(f"{seconds} s")
    return " ".join(words)


def short(missing: Length | int) -> str:
    """What one more unit lacks, for a list."""
    if isinstance(missing, Length):
        return f"{length(missing)} short"
    return f"{counted(missing, 'more day')} with a reading"


def text(explanation: Explanation) -> str:
    sentence = _SENTENCES[explanation.kind][explanation.key]
    by = explanation.parts.get("by")
    more = {"entries": len(explanation.entries), "by": f" by {plain(by)}" if by else ""}
    return _Plain().vformat(sentence, (), {**explanation.parts, **more})


def detail(refusal: Refusal) -> str:
    return _Plain().vformat(_WHY_NOT[refusal.reason], (), refusal.parts)
