"""What leaves the house: signed claim lines as CSV and as FHIR Claims, and the audit packet.

Every export is audited. File names hold no name of a patient, and nothing is kept by the browser's
cache. docs/exports.md documents the formats.
"""

from __future__ import annotations

import asyncio
from typing import Literal
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import Response

from api.billing_month import chosen_month
from api.drawn import Drawn
from api.errors import NotFound
from api.page import SigningPage
from ccm_link import claim_fhir, claims_csv
from ccm_link.calendar_month import Month
from ccm_link.claims_service import ClinicClaims, signed_claims
from ccm_link.packet import Packet, State
from ccm_link.packet_service import packet_of

router = APIRouter()


@router.get("/month/export.csv")
async def csv(page: SigningPage, month: str = "", bom: Literal["yes", "no"] = "no") -> Response:
    """`bom=yes` for spreadsheets that need to be told that it is UTF-8."""
    chosen = chosen_month(page, month)
    found = await _claims(page, chosen, "csv")
    text = await asyncio.to_thread(claims_csv.as_csv, found.claims, bom=bom == "yes")
    return _file(text.encode(), "text/csv; charset=utf-8", f"claims-{chosen}.csv")


@router.get("/month/export.claims.json")
async def claims(page: SigningPage, month: str = "") -> Response:
    chosen = chosen_month(page, month)
    found = await _claims(page, chosen, "fhir")
    data = await asyncio.to_thread(_bundle, found)
    return _file(data, "application/fhir+json", f"claims-{chosen}.json")


@router.get("/month/{patient_id}/packet.json")
async def packet_json(
    page: SigningPage, patient_id: UUID, month: str = "", version: int | None = None
) -> Response:
    packet = await _packet(page, patient_id, month, version, "json")
    return _file(packet.json, "application/json", f"{_name(packet)}.json")


@router.get("/month/{patient_id}/packet.pdf")
async def packet_pdf(
    page: SigningPage, patient_id: UUID, month: str = "", version: int | None = None
) -> Response:
    packet = await _packet(page, patient_id, month, version, "pdf")
    press = page.request.app.state.press
    return Drawn(press, packet.json, _headers(f"{_name(packet)}.pdf"))


async def _claims(page: SigningPage, month: Month, kind: str) -> ClinicClaims:
    found = await signed_claims(page.conn, page.clinic, month)
    if found is None:
        raise NotFound
    told = {"format": kind, "claims": len(found.claims), "lines": found.lines}
    await page.audit("claims.export", page.clinic, month=str(month), **told)
    return found


def _bundle(found: ClinicClaims) -> bytes:
    return claim_fhir.bundle_json(found.claims, found.practice)


async def _packet(
    page: SigningPage, patient_id: UUID, month: str, version: int | None, kind: str
) -> Packet:
    chosen = chosen_month(page, month)
    packet = await packet_of(
        page.conn, page.clinic, patient_id, chosen, version=version, now=page.now
    )
    if packet is None:
        raise NotFound
    await page.audit(
        "packet.export",
        patient_id,
        month=str(chosen),
        format=kind,
        state=str(packet.state),
        signing=packet.signature.id if packet.signature else None,
        sha256=packet.sha256,
    )
    return packet


def _name(packet: Packet) -> str:
    """Of two files in one folder nobody knows by their names whose they are; the hash tells."""
    if packet.state is State.DRAFT or packet.signature is None:
        return f"audit-packet-{packet.month}-draft-{packet.sha256[:8]}"
    return f"audit-packet-{packet.month}-v{packet.signature.version}-{packet.sha256[:8]}"


def _file(data: bytes, media_type: str, name: str) -> Response:
    return Response(data, media_type=media_type, headers=_headers(name))


def _headers(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
