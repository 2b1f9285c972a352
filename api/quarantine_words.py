"""Why bytes were set aside, in words, and what a person can do about it."""

from __future__ import annotations

from vitals.errors import QuarantineReason

#: Per reason: its words, and what to do about it.
REASONS: dict[str, tuple[str, str]] = {
    QuarantineReason.NOT_JSON: (
        "Not readable at all",
        "Usually a gateway with damaged software. Update the gateway, then discard these bytes.",
    ),
    QuarantineReason.WRONG_SCHEMA: (
        "Not in the agreed form",
        "The gateway and this server may be of different releases. Update, then replay.",
    ),
    QuarantineReason.UNKNOWN_VERSION: (
        "From a newer release",
        "Update this server, then replay: nothing is lost.",
    ),
    QuarantineReason.TOO_LARGE: (
        "Larger than allowed",
        "The gateway sends too much at once. Update it: it will send these readings again.",
    ),
    QuarantineReason.WRONG_TOPIC: (
        "Sent to the wrong address",
        "Something other than a gateway is publishing. Ask who runs the broker.",
    ),
    QuarantineReason.IDENTITY_MISMATCH: (
        "Sent in another gateway's name",
        "A gateway was set up with another's name. Give it its own credentials, then replay.",
    ),
    QuarantineReason.UNKNOWN_GATEWAY: (
        "From a gateway that is not registered",
        "Register the gateway under its home, then replay.",
    ),
    QuarantineReason.ID_MISMATCH: (
        "Changed on the way, or a faulty gateway",
        "Its contents do not fit its identity. Compare with the device before you trust them.",
    ),
    QuarantineReason.BAD_TEXT: (
        "A character that cannot be stored",
        "A faulty gateway. Update it, then discard these bytes.",
    ),
    QuarantineReason.BAD_TIME: (
        "A time that cannot be right",
        "The device's clock is far off. Set it, then ask the patient to measure again.",
    ),
    QuarantineReason.IMPLAUSIBLE: (
        "A value no living person has",
        "Call the patient: the device may be faulty, or this may be an emergency.",
    ),
    QuarantineReason.UNDECODED: (
        "Bytes of a device that could not be read",
        "The device is new to this release. Update the gateway, then replay.",
    ),
}
