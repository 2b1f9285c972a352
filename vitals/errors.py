"""What can be wrong with data at a border.

    VitalsError
    ├── TopicError       an MQTT topic that is not one of ours
    ├── EnvelopeError    bytes that are not an envelope; carries a bounded `reason`
    └── ReadingRejected  a reading that must not be stored; carries a bounded `reason`

Every `reason` is a `QuarantineReason`, so metrics that count by reason stay bounded.
"""

from __future__ import annotations

from enum import StrEnum


class QuarantineReason(StrEnum):
    """Why something was set aside. The set is closed: it is a metric label."""

    NOT_JSON = "not_json"  # not UTF-8 or not JSON
    WRONG_SCHEMA = "wrong_schema"  # JSON, but not an envelope or not a reading
    UNKNOWN_VERSION = "unknown_version"  # a major version that this release does not know
    TOO_LARGE = "too_large"  # more bytes or readings than the contract allows
    WRONG_TOPIC = "wrong_topic"  # not a readings topic
    IDENTITY_MISMATCH = "identity_mismatch"  # topic and envelope name different gateways
    UNKNOWN_GATEWAY = "unknown_gateway"  # no such gateway in that clinic
    ID_MISMATCH = "id_mismatch"  # the id is not the one that its contents give
    BAD_TEXT = "bad_text"  # a character that no database text may hold
    BAD_TIME = "bad_time"  # an instant outside of what can be a measurement
    IMPLAUSIBLE = "implausible"  # a value no living person has
    UNDECODED = "undecoded"  # bytes that the gateway could not read


class VitalsError(Exception):
    """The root of this package's errors."""


class TopicError(VitalsError):
    """The topic is none of `hl/v1/{clinic}/{gateway}/{readings|receipts|status|desired}`."""


class EnvelopeError(VitalsError):
    """The payload as a whole cannot be taken apart into readings."""

    def __init__(self, reason: QuarantineReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class ReadingRejected(VitalsError):
    """One reading of an envelope cannot be stored; its neighbours can."""

    def __init__(self, reason: QuarantineReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
