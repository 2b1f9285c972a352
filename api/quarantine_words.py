"""Why bytes were set aside, in words, and what a person can do about it: pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from api.auth.viewer import Role
from vitals.errors import QuarantineReason as Why

Row = dict[str, Any]

#: Per reason: its words, and what to do about it.
REASONS: dict[str, tuple[str, str]] = {
    Why.NOT_JSON: (
        "Not readable at all",
        "Usually a gateway with damaged software. Update the gateway, then discard these bytes.",
    ),
    Why.WRONG_SCHEMA: (
        "Not in the agreed form",
        "The gateway and this server may be of different releases. Update, then replay.",
    ),
    Why.UNKNOWN_VERSION: (
        "From a newer release",
        "Update this server, then replay: nothing is lost.",
    ),
    Why.TOO_LARGE: (
        "Larger than allowed",
        "The gateway sends too much at once. Update it: it will send these readings again.",
    ),
    Why.WRONG_TOPIC: (
        "Sent to the wrong address",
        "Something other than a gateway is publishing. Ask who runs the broker.",
    ),
    Why.IDENTITY_MISMATCH: (
        "Sent in another gateway's name",
        "A gateway was set up with another's name. Give it its own credentials, then replay.",
    ),
    Why.UNKNOWN_GATEWAY: (
        "From a gateway that is not registered",
        "Register the gateway under its home, then replay.",
    ),
    Why.ID_MISMATCH: (
        "Changed on the way, or a faulty gateway",
        "Its contents do not fit its identity. Compare with the device before you trust them.",
    ),
    Why.BAD_TEXT: (
        "A character that cannot be stored",
        "A faulty gateway. Update it, then discard these bytes.",
    ),
    Why.BAD_TIME: (
        "A time that cannot be right",
        "The device's clock is far off. Set it, then ask the patient to measure again.",
    ),
    Why.IMPLAUSIBLE: (
        "A value no living person has",
        "Call the patient: the device may be faulty, or this may be an emergency.",
    ),
    Why.UNDECODED: (
        "Bytes of a device that could not be read",
        "The device is new to this release. The bytes are kept as the device sent them.",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing to do about the cause; `href` empty: it is done elsewhere."""

    text: str
    href: str = ""


def steps(row: Row, role: Role) -> list[Step]:
    """What to do about this row, the first thing first, with the pages where it is done."""
    found = [*_GATEWAY.get(row["reason"], _none)(row), *_DEVICE.get(row["reason"], _none)(row)]
    if row["task_id"] and role is not Role.ADMIN:
        found.insert(0, Step(text="Its task in the queue", href=f"/tasks/{row['task_id']}"))
    return found


def _none(_: Row) -> list[Step]:
    return []


def _register(row: Row) -> list[Step]:
    if row["home_id"]:
        return [Step(text="The gateway is registered by now: replay.")]
    return [Step(text=f"Register {row['gateway'] or 'the gateway'} under its home", href="/homes")]


def _look_at_gateway(row: Row) -> list[Step]:
    if not row["home_id"]:
        return []
    return [Step(text="The gateway that sent it", href=f"/homes/{row['home_id']}/gateways")]


def _look_at_device(row: Row) -> list[Step]:
    if not row["device_key"]:
        return []
    return [Step(text="The device, and who has it", href=f"/devices/{row['device_key']}")]


def _whose(row: Row) -> list[Step]:
    if row["patient_id"] or not row["device_key"]:
        return _look_at_device(row)
    return [
        Step(
            text="Nobody had this device then: say whose it is",
            href=f"/devices/{row['device_key']}/assign",
        )
    ]


def _model(row: Row) -> list[Step]:
    model = row["device_model"]
    name = f"The device says that it is a {model}" if model else "The device did not say its model"
    later = (
        f"{name}. A release that knows it can read these bytes where they are: replay them then."
        " Until then a replay is refused again; ask the patient for the value."
    )
    return [Step(text=later), *_look_at_device(row)]


_GATEWAY = {
    Why.NOT_JSON: _look_at_gateway,
    Why.WRONG_SCHEMA: _look_at_gateway,
    Why.TOO_LARGE: _look_at_gateway,
    Why.BAD_TEXT: _look_at_gateway,
    Why.IDENTITY_MISMATCH: _look_at_gateway,
    Why.ID_MISMATCH: _look_at_gateway,
    Why.UNKNOWN_GATEWAY: _register,
}
_DEVICE = {
    Why.IMPLAUSIBLE: _whose,
    Why.BAD_TIME: _look_at_device,
    Why.ID_MISMATCH: _look_at_device,
    Why.UNDECODED: _model,
}


def told(progress: Row) -> str:
    """`12 of 40 replayed, 3 refused again, 25 wait`."""
    moved = progress["rows"] - progress["waiting"] - progress["replayed"] - progress["refused"]
    parts = [f"{progress['replayed']} of {progress['rows']} replayed"]
    parts += [f"{progress['refused']} refused again"] if progress["refused"] else []
    parts += [f"{moved} in a later replay"] if moved else []
    parts += [f"{progress['waiting']} still to be judged"] if progress["waiting"] else []
    return ", ".join(parts)


def address_of(reason: str, **more: str) -> str:
    return f"/quarantine?{urlencode({'reason': reason, **more})}"
