"""What a cuff, a meter and a scale send, thousands of payloads at once, and the numbers in them.

The same bytes as `simulator.bytes` makes one by one; a test holds them against the codecs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.tuples import Column, Matrix, join
from vitals.reading import Kind, Measure

Numbers = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
Instants = npt.NDArray[np.datetime64]
SLOT = 1
CHARACTERISTICS = {Kind.BLOOD_PRESSURE: "2A35", Kind.GLUCOSE: "2A18", Kind.WEIGHT: "2A9D"}
SLOTS = {Kind.BLOOD_PRESSURE: SLOT, Kind.GLUCOSE: None, Kind.WEIGHT: SLOT}
_SEQUENCES = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """Payloads of one kind, their numbers, and the record's number where the device has one."""

    payload: Matrix
    values: dict[Measure, Numbers]
    sequence: Whole | None = None


def blood_pressure(chance: np.random.Generator, shown: Instants, _turn: Whole) -> Sent:
    systolic = chance.integers(108, 136, len(shown))
    diastolic = systolic - chance.integers(38, 56, len(shown))
    mean, pulse = diastolic + (systolic - diastolic) // 3, chance.integers(58, 88, len(shown))
    payload: list[Column] = [
        b"\x1e",
        _u16(systolic),
        _u16(diastolic),
        _u16(mean),
        _date_time(shown),
        _u16(pulse),
    ]
    return Sent(
        payload=join([*payload, bytes([SLOT, 0, 0])], len(shown)),
        values=_floats(
            {
                Measure.SYSTOLIC: systolic,
                Measure.DIASTOLIC: diastolic,
                Measure.MEAN_ARTERIAL: mean,
                Measure.PULSE: pulse,
            }
        ),
    )


def glucose(chance: np.random.Generator, shown: Instants, turn: Whole) -> Sent:
    mg_dl, sequence = chance.integers(82, 168, len(shown)), turn % _SEQUENCES
    concentration = _u16(mg_dl | (-5 & 0xF) << 12)  # 1 mg/dL is 1e-5 kg/L
    head: list[Column] = [b"\x0b", _u16(sequence), _date_time(shown), bytes(2)]
    return Sent(
        payload=join([*head, concentration, b"\x11\0\0"], len(shown)),
        values=_floats({Measure.GLUCOSE: mg_dl}),
        sequence=sequence,
    )


def weight(chance: np.random.Generator, shown: Instants, _turn: Whole) -> Sent:
    steps = chance.integers(15_600, 16_000, len(shown))  # of 5 g
    payload: list[Column] = [b"\x06", _u16(steps), _date_time(shown), bytes([SLOT])]
    return Sent(payload=join(payload, len(shown)), values={Measure.WEIGHT: steps * 5 / 1000})


SENDERS = {Kind.BLOOD_PRESSURE: blood_pressure, Kind.GLUCOSE: glucose, Kind.WEIGHT: weight}


def _u16(values: Whole) -> Matrix:
    return values.astype("<u2").view(np.uint8).reshape(len(values), 2)


def _date_time(shown: Instants) -> Matrix:
    """0x2A08: year, month, day, hours, minutes, seconds."""
    months, days = shown.astype("M8[M]"), shown.astype("M8[D]")
    year = shown.astype("M8[Y]").astype(np.int64) + 1970
    month = months.astype(np.int64) % 12 + 1
    day = (days - months.astype("M8[D]")).astype(np.int64) + 1
    seconds = (shown.astype("M8[s]") - days).astype(np.int64)
    single = np.stack([month, day, seconds // 3600, seconds // 60 % 60, seconds % 60], axis=1)
    return np.concatenate([_u16(year), single.astype(np.uint8)], axis=1)


def _floats(values: dict[Measure, Whole]) -> dict[Measure, Numbers]:
    return {measure: numbers.astype(np.float64) for measure, numbers in values.items()}
