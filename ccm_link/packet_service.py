"""A patient's audit packet, read from the store: of a signature, or a draft of one."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from ccm_link import packet, rulebook
from ccm_link.calendar_month import Month
from ccm_link.evaluate import evaluate
from ccm_link.evidence import evidence_of_month
from ccm_link.facts import decode
from ccm_link.freeze import frozen
from ccm_link.months_service import read_months
from ccm_link.packet import Packet
from ccm_link.replay import reproduces
from ccm_link.rulebook import rulebook_for
from ccm_link.view import as_bytes
from store import signing
from store.signing import Signed
from store.tenancy import Connection, clinic_session


async def packet_of(
    conn: Connection,
    clinic: str,
    patient_id: UUID,
    month: Month,
    *,
    version: int | None = None,
    now: datetime,
) -> Packet | None:
    """`version`: that signing of the month, though it may have been reopened.

    None: nobody of this clinic, not enrolled and never signed, or no such version.
    """
    async with clinic_session(conn, clinic):
        history = await signing.of_patient(conn, patient_id, month.first)
    chosen = _chosen(history, version)
    if chosen is not None:
        return await _signed(conn, clinic, month, chosen)
    return None if version is not None else await _draft(conn, clinic, patient_id, month, now)


def _chosen(history: list[Signed], version: int | None) -> Signed | None:
    if version is None:
        return next((one for one in history if one.stands), None)
    return next((one for one in history if one.version == version), None)


async def _signed(conn: Connection, clinic: str, month: Month, signed: Signed) -> Packet | None:
    """Evaluated again by the rules that were kept; the evidence is as it was when it was signed."""
    async with clinic_session(conn, clinic):
        text = await signing.kept_rules(conn, signed.rules_sha256)
    if text is None:
        return None
    book = rulebook.kept(text, signed.rates, month)
    facts = decode(signed.facts)
    result = evaluate(facts, book.rules, today=signed.as_of)
    evidence = await evidence_of_month(
        conn,
        clinic,
        signed.patient_id,
        month,
        result,
        facts=facts,
        signing=signed.id,
        as_of=signed.signed_at,
    )
    if evidence is None:
        return None
    return packet.build(
        evidence,
        result,
        book.rules,
        facts=signed.facts,
        result_json=signed.result,
        as_of=signed.signed_at,
        evaluated_on=signed.as_of,
        signed=signed,
        reproduced=reproduces(signed, result),
    )


async def _draft(
    conn: Connection, clinic: str, patient_id: UUID, month: Month, now: datetime
) -> Packet | None:
    async with clinic_session(conn, clinic):
        book = await rulebook_for(conn, clinic, month)
        found = await read_months(conn, clinic, [patient_id], month, now=now, rules=book.rules)
    for one in found:
        evidence = await evidence_of_month(
            conn, clinic, patient_id, month, one.result, facts=one.facts
        )
        if evidence is None:
            return None
        return packet.build(
            evidence,
            one.result,
            book.rules,
            facts=frozen(one.facts),
            result_json=as_bytes(one.result),
            as_of=now,
            evaluated_on=one.as_of or now.date(),
        )
    return None
