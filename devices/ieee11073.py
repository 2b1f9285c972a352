"""SFLOAT (16 bits) and FLOAT (32 bits): the medical numbers of IEEE 11073-20601.

GATT Specification Supplement (medfloat16, medfloat32): a signed mantissa times
a power of ten. A few mantissas mean "not a number", and only when the exponent is zero.
Rule: a decoded number keeps its raw bits, and its value is scaled in decimal, so that 364e-1
is 36.4 and not 36.400000000000006.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum

from devices.reader import Reader


class Special(StrEnum):
    """What a mantissa with exponent zero says instead of a number."""

    NAN = "NaN"  # the measurement failed
    NRES = "NRes"  # not at this resolution
    POS_INF = "+INF"  # above what the sensor can measure
    NEG_INF = "-INF"  # below what the sensor can measure
    RESERVED = "Reserved"  # reserved for future use


@dataclass(frozen=True, slots=True, kw_only=True)
class MedicalFloat:
    """A number as sent: either `value` or `special` is set, never both."""

    raw: int
    special: Special | None
    value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Format:
    """Where mantissa and exponent lie; the special mantissas follow from the width."""

    name: str
    mantissa_bits: int
    exponent_bits: int

    @property
    def bytes(self) -> int:
        return (self.mantissa_bits + self.exponent_bits) // 8

    @property
    def specials(self) -> dict[int, Special]:
        """Mantissa bits, unsigned, to their meaning."""
        sign = 1 << (self.mantissa_bits - 1)
        return {
            sign - 2: Special.POS_INF,
            sign - 1: Special.NAN,
            sign: Special.NRES,
            sign + 1: Special.RESERVED,
            sign + 2: Special.NEG_INF,
        }

    def split(self, raw: int) -> tuple[int, int]:
        """Mantissa and exponent, both signed."""
        mask = (1 << self.mantissa_bits) - 1
        exponent = raw >> self.mantissa_bits
        return _signed(raw & mask, self.mantissa_bits), _signed(exponent, self.exponent_bits)

    def join(self, mantissa: int, exponent: int) -> int:
        low = mantissa & ((1 << self.mantissa_bits) - 1)
        high = exponent & ((1 << self.exponent_bits) - 1)
        return high << self.mantissa_bits | low

    def fits(self, mantissa: int, exponent: int) -> bool:
        limit = 1 << (self.mantissa_bits - 1)
        if not -limit <= mantissa < limit or not self.lowest <= exponent <= self.highest:
            return False
        return exponent != 0 or mantissa & (2 * limit - 1) not in self.specials

    @property
    def lowest(self) -> int:
        return -(1 << (self.exponent_bits - 1))

    @property
    def highest(self) -> int:
        return -self.lowest - 1


_SFLOAT = _Format(name="SFLOAT", mantissa_bits=12, exponent_bits=4)
_FLOAT = _Format(name="FLOAT", mantissa_bits=24, exponent_bits=8)


def decode_sfloat(payload: bytes) -> MedicalFloat:
    return _decode(payload, _SFLOAT)


def decode_float(payload: bytes) -> MedicalFloat:
    return _decode(payload, _FLOAT)


def read_sfloat(reader: Reader, field: str) -> MedicalFloat:
    """The next two bytes of a characteristic as an SFLOAT."""
    return _number(reader.u16(field), _SFLOAT)


def read_float(reader: Reader, field: str) -> MedicalFloat:
    """The next four bytes of a characteristic as a FLOAT."""
    return _number(reader.u32(field), _FLOAT)


def encode_sfloat(value: float | Special, *, exponent: int | None = None) -> bytes:
    return pack_sfloat(sfloat_of(value, exponent=exponent))


def encode_float(value: float | Special, *, exponent: int | None = None) -> bytes:
    return pack_float(float_of(value, exponent=exponent))


def pack_sfloat(number: MedicalFloat) -> bytes:
    """The bytes of a number as it was sent."""
    return number.raw.to_bytes(_SFLOAT.bytes, "little")


def pack_float(number: MedicalFloat) -> bytes:
    """The bytes of a number as it was sent."""
    return number.raw.to_bytes(_FLOAT.bytes, "little")


def sfloat_of(value: float | Special, *, exponent: int | None = None) -> MedicalFloat:
    """The nearest SFLOAT: three significant digits and a bit; `exponent` forces the scale."""
    return _of(value, exponent, _SFLOAT)


def float_of(value: float | Special, *, exponent: int | None = None) -> MedicalFloat:
    """The nearest FLOAT: nearly seven significant digits; `exponent` forces the scale."""
    return _of(value, exponent, _FLOAT)


def _decode(payload: bytes, form: _Format) -> MedicalFloat:
    reader = Reader(payload, form.name)
    raw = int.from_bytes(reader.take(form.bytes, "the number"), "little")
    reader.require_end()
    return _number(raw, form)


def _number(raw: int, form: _Format) -> MedicalFloat:
    special = form.specials.get(raw)  # exponent zero: the raw bits are the mantissa's
    if special is not None:
        return MedicalFloat(raw=raw, special=special, value=None)
    mantissa, exponent = form.split(raw)
    value = float(Decimal(mantissa).scaleb(exponent))
    return MedicalFloat(raw=raw, special=None, value=value)


def _of(value: float | Special, exponent: int | None, form: _Format) -> MedicalFloat:
    if isinstance(value, Special):
        return _number(next(raw for raw, name in form.specials.items() if name == value), form)
    exact = Decimal(repr(float(value)))
    if not exact.is_finite():
        raise ValueError(f"{value} is no {form.name}: say it with Special")
    mantissa, scale = _nearest(exact, form) if exponent is None else _scaled(exact, exponent)
    if not form.fits(mantissa, scale):
        raise ValueError(f"{value} does not fit into {form.name} with exponent {scale}")
    return _number(form.join(mantissa, scale), form)


def _nearest(exact: Decimal, form: _Format) -> tuple[int, int]:
    """Mantissa and exponent of least rounding, and among those the exponent nearest zero."""
    own = exact.normalize().as_tuple().exponent
    scale = max(form.lowest, own if isinstance(own, int) else 0)
    mantissa, scale = _scaled(exact, scale)
    while not form.fits(mantissa, scale) and scale < form.highest:
        mantissa, scale = _scaled(exact, scale + 1)
    while scale > 0 and form.fits(mantissa * 10, scale - 1):
        mantissa, scale = _scaled(exact, scale - 1)
    while scale > form.highest:
        mantissa, scale = mantissa * 10, scale - 1
    return mantissa, scale


def _scaled(exact: Decimal, exponent: int) -> tuple[int, int]:
    return int(exact.scaleb(-exponent).to_integral_value(ROUND_HALF_EVEN)), exponent


def _signed(bits: int, width: int) -> int:
    return bits - (1 << width) if bits >> (width - 1) else bits
