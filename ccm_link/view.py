"""A result as the JSON that checks from outside read. Keys are added, never renamed."""

from __future__ import annotations

from typing import Any

import msgspec

from ccm_link import words
from ccm_link.evaluate import Result
from ccm_link.intervals import SECOND, total
from ccm_link.outcome import LedgerRow, Line
from ccm_link.rates import Rates


def as_json(result: Result) -> dict[str, Any]:
    return {
        "billable": [{"code": line.code, "units": line.units} for line in result.billable],
        "rejections": [
            {
                "subject": r.subject,
                "reason": r.reason,
                "detail": words.detail(r),
                "entries": r.entries,
            }
            for r in result.rejections
        ],
        "alternatives": [
            {
                "code": stack.code,
                "billable": [{"code": code, "units": units} for code, units in stack.units],
                "amount": str(stack.dollars),
                "entries": stack.entries,
            }
            for stack in result.alternatives
        ],
        "ledger": [_row(row) for row in result.ledger],
        "evidence": [_evidence(line) for line in result.billable],
        "explanations": [
            {"subject": e.subject, "kind": e.kind, "text": words.text(e), "entries": e.entries}
            for e in result.explanations
        ],
        "rules_version": result.rules_version,
        "rates": None if result.rates is None else _rates(result.rates),
    }


def as_bytes(result: Result) -> bytes:
    """The same result is the same bytes: what is kept of a signed month."""
    return msgspec.json.encode(as_json(result))


def _rates(rates: Rates) -> dict[str, Any]:
    return {
        "id": rates.id,
        "name": rates.name,
        "source": rates.source,
        "locality": rates.locality,
        "first": str(rates.first),
        "last": str(rates.last),
    }


def _row(row: LedgerRow) -> dict[str, Any]:
    return {
        "entry": row.entry,
        "programme": row.programme,
        "staff": row.staff,
        "role": row.role,
        "logged_seconds": None if row.logged is None else seconds(row.logged),
        "counted_seconds": seconds(total(row.counted)),
        "lost": [{"reason": reason, "seconds": seconds(gone)} for reason, gone in row.lost],
    }


def _evidence(line: Line) -> dict[str, Any]:
    return {
        "code": line.code,
        "programme": str(line.programme),
        "units": line.units,
        "seconds": seconds(line.micros),
        "entries": line.entries,
        "days": [str(day) for day in line.days],
        "served_on": [str(day) for day in line.served_on],
        "amount": str(line.dollars),
        "amount_verified": line.verified,
    }


def seconds(micros: int) -> int | float:
    """Whole where it is whole; never rounded."""
    return micros // SECOND if micros % SECOND == 0 else micros / SECOND
