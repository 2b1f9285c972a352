"""What a visit asks for and what it takes for new. Pure: nobody waits here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from devices import racp
from gateway.said import Said
from gateway.spool import DeviceRecord
from vitals.reading import Reading

CLOCK_RESET_S = 86_400.0  # an offset that moved this far since the last visit: battery was out
LAST_SEQUENCE = 0xFFFF
#: How long after the first time a reading without any time of its own may be that one again.
SENT_AGAIN_WITHIN = timedelta(seconds=60)

REPORT_LAST = racp.Request(op=racp.Op.REPORT, operator=racp.Operator.LAST)


class Ask(StrEnum):
    """What to want of a memory whose records are numbered."""

    ALL = "all"
    NOTHING = "nothing"
    CHECK = "check"  # whether the record at the mark is still the one that was read
    NEWER = "newer"  # than the mark


def clock_was_reset(known: DeviceRecord, offset_s: float | None) -> bool:
    before = known.clock_offset_s
    return before is not None and offset_s is not None and abs(offset_s - before) > CLOCK_RESET_S


def first_ask(known: DeviceRecord, offset_s: float | None) -> Ask:
    """Before anything is known of the memory; CHECK: look at its newest record."""
    if known.last_sequence is None or clock_was_reset(known, offset_s):
        return Ask.ALL
    return Ask.CHECK


def after_the_newest(known: DeviceRecord, newest: Reading | None, outcome: racp.Outcome) -> Ask:
    """`newest` as the meter gave it; None: it gave none, and `outcome` says why."""
    mark = known.last_sequence
    if mark is None:
        return Ask.ALL
    if newest is None or newest.sequence is None:
        none_there = isinstance(outcome, racp.Reported) and outcome.records == 0
        return Ask.NOTHING if none_there else _from(mark)
    if newest.id == known.last_id:
        return Ask.NOTHING
    if newest.sequence <= mark:
        return Ask.ALL  # the numbers began anew
    return _from(mark)


def _from(mark: int) -> Ask:
    return Ask.ALL if mark >= LAST_SEQUENCE else Ask.CHECK


def at_the_mark(mark: int) -> racp.Request:
    """The one record that was read last: numbers that began anew and passed it show here."""
    return racp.Request(
        op=racp.Op.REPORT,
        operator=racp.Operator.RANGE,
        filter=racp.Filter.SEQUENCE,
        minimum=mark,
        maximum=mark,
    )


def after_the_mark(known: DeviceRecord, found: Sequence[Reading], outcome: racp.Outcome) -> Ask:
    """`found` is what the meter holds under the mark's number; a refusal tells nothing."""
    if isinstance(outcome, racp.Failed):
        return Ask.NEWER
    same = any(reading.id == known.last_id for reading in found)
    return Ask.NEWER if same else Ask.ALL


def is_sent_again(reading: Reading, said: Said, *, first: bool, at: datetime) -> bool:
    """A confirmation was lost, and the device begins with what it believes we do not have.

    Only for readings whose id was minted: the others are known by it. A device that shows a time,
    be it in 2000, cannot show it twice, while its clock runs. One without any may weigh the same
    person twice; there only the next moment counts.
    """
    if not reading.minted or not first:
        return False
    return reading.device_time is not None or at - said.last_at <= SENT_AGAIN_WITHIN


def is_listed_again(reading: Reading, said: Said | None, *, occurrence: int) -> bool:
    """A whole memory was listed, this record's bytes for the `occurrence`th time in it."""
    return reading.sequence is None and said is not None and occurrence <= said.times


def settled(readings: Sequence[Reading]) -> Reading | None:
    """Of a stream the middle one by its first number; without any number the last one."""
    numbered = [r for r in readings if r.values and r.values[0].value is not None]
    if not numbered:
        return readings[-1] if readings else None
    ordered = sorted(numbered, key=lambda reading: reading.values[0].value or 0.0)
    return ordered[(len(ordered) - 1) // 2]
