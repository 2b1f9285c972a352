"""Signed months as FHIR R4 Claims in a Bundle, built and checked by fhir.resources. Pure.

What this system does not know is said to be unknown, and never made up: the insurer, the coverage,
national identifiers, diagnosis codes. An amount is there only where its rate was verified. Codes
come without their official descriptors, which are not ours to give.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import msgspec
from fhir.resources.R4B.claim import Claim
from fhir.resources.R4B.organization import Organization
from fhir.resources.R4B.patient import Patient
from fhir.resources.R4B.practitioner import Practitioner as PractitionerModel

from ccm_link.claims import ClaimPatient, Practitioner, SignedClaim, SignedLine
from ccm_link.evidence_parts import Practice

CPT = "http://www.ama-assn.org/go/cpt"
HCPCS = "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
_URI = "urn:ietf:rfc:3986"
_UCUM = "http://unitsofmeasure.org"
_INFO = {"coding": [{"system": f"{_TERMINOLOGY}/claiminformationcategory", "code": "info"}]}

Part = dict[str, Any]

_MODELS = {
    model.get_resource_type(): model for model in (Claim, Organization, Patient, PractitionerModel)
}
_encode = msgspec.json.Encoder(decimal_format="number").encode


def claim(of: SignedClaim, practice: Practice) -> Claim:
    """One patient's month.

    Raises:
        pydantic.ValidationError: what was made is no Claim; a bug.
    """
    return Claim.model_validate(_claim(of, practice))


def claim_json(of: SignedClaim, practice: Practice) -> bytes:
    """The same as bytes."""
    return _encode(_checked(_claim(of, practice)))


def bundle_json(claims: Sequence[SignedClaim], practice: Practice) -> bytes:
    """Every claim with the patients and practitioners that it names, each once.

    Each resource is checked and written by itself: a Bundle of ten thousand as one model would
    take a gigabyte.

    Raises:
        pydantic.ValidationError: what was made is no such resource; a bug.
    """
    entries: dict[str, bytes] = {}
    for part in _parts(claims, practice):
        if part["id"] not in entries:
            whole = {"fullUrl": f"urn:uuid:{part['id']}", "resource": _checked(part)}
            entries[part["id"]] = _encode(whole)
    held = b",".join(entries.values())
    return b'{"resourceType":"Bundle","type":"collection","entry":[' + held + b"]}"


def _checked(part: Part) -> Part:
    _MODELS[part["resourceType"]].model_validate(part)
    return part


def _parts(claims: Sequence[SignedClaim], practice: Practice) -> Iterator[Part]:
    yield _organization(practice)
    for of in claims:
        yield _patient(of.patient)
        yield from (_practitioner(who) for who in _team(of))
        yield _claim(of, practice)


def _claim(of: SignedClaim, practice: Practice) -> Part:
    info = list(_information(of))
    items = [_item(number, line, of, info) for number, line in enumerate(of.lines, start=1)]
    return {
        "resourceType": "Claim",
        "id": str(of.signing_id),
        "identifier": [{"system": _URI, "value": f"urn:uuid:{of.signing_id}"}],
        "status": "active",
        "type": {"coding": [{"system": f"{_TERMINOLOGY}/claim-type", "code": "professional"}]},
        "use": "claim",
        "patient": _to(of.patient.id),
        "billablePeriod": _period(of.month.first, of.month.last),
        "created": of.signed_at.isoformat(),
        "insurer": _unknown(),
        "provider": _to(_organization_id(practice)),
        "priority": {"coding": [{"system": f"{_TERMINOLOGY}/processpriority", "code": "normal"}]},
        "careTeam": [
            {"sequence": number, "provider": _to(who.id), "responsible": who == of.biller}
            for number, who in enumerate(_team(of), start=1)
        ],
        "supportingInfo": info,
        "insurance": [{"sequence": 1, "focal": True, "coverage": _unknown()}],
        "item": items,
    } | _total(of)


def _team(of: SignedClaim) -> list[Practitioner]:
    """The biller first, then the others of the lines, each once."""
    return list(dict.fromkeys([of.biller, *(line.practitioner for line in of.lines)]))


def _information(of: SignedClaim) -> Iterator[Part]:
    """What was signed, by its hashes; then what each line counts."""
    told: list[tuple[str, Part]] = [
        ("facts_sha256", {"valueString": of.facts_sha256}),
        ("result_sha256", {"valueString": of.result_sha256}),
        ("rules_version", {"valueString": of.rules_version}),
        ("signed_by", {"valueString": of.signed_by}),
    ]
    for line in of.lines:
        told += [(f"{line.code}.{name}", value) for name, value in _counted(line)]
    for number, (name, value) in enumerate(told, start=1):
        yield {"sequence": number, "category": _INFO, "code": {"text": name}, **value}


def _counted(line: SignedLine) -> Iterator[tuple[str, Part]]:
    if line.seconds:
        yield "counted_time", {"valueQuantity": _quantity(line.seconds, "s")}
    if line.days:
        yield "reading_days", {"valueQuantity": _quantity(Decimal(len(line.days)), "d")}


def _quantity(value: Decimal, unit: str) -> Part:
    return {"value": value, "unit": unit, "system": _UCUM, "code": unit}


def _item(number: int, line: SignedLine, of: SignedClaim, info: Sequence[Part]) -> Part:
    team = _team(of)
    own = [i["sequence"] for i in info if i["code"]["text"].startswith(f"{line.code}.")]
    item: Part = {
        "sequence": number,
        "careTeamSequence": [team.index(line.practitioner) + 1],
        "productOrService": {"coding": [{"system": _system(line.code), "code": line.code}]},
        "quantity": {"value": line.units},
        **_served(line.served_on, of),
        **_paid(line),
    }
    return item | ({"informationSequence": own} if own else {})


def _system(code: str) -> str:
    """Level II codes begin with a letter, and end without one."""
    return HCPCS if code[0].isalpha() else CPT


def _served(on: Sequence[date], of: SignedClaim) -> Part:
    """The day, or from the first to the last; the month where a line names no day."""
    if not on:
        return {"servicedPeriod": _period(of.month.first, of.month.last)}
    if len(set(on)) == 1:
        return {"servicedDate": on[0].isoformat()}
    return {"servicedPeriod": _period(min(on), max(on))}


def _paid(line: SignedLine) -> Part:
    if not line.is_verified:
        return {}
    return {"unitPrice": _money(line.amount / line.units), "net": _money(line.amount)}


def _total(of: SignedClaim) -> Part:
    """A sum of which every part was verified, or none."""
    if not all(line.is_verified for line in of.lines):
        return {}
    return {"total": _money(sum((line.amount for line in of.lines), Decimal(0)))}


def _money(dollars: Decimal) -> Part:
    return {"value": dollars.quantize(Decimal("0.01")), "currency": "USD"}


def _period(first: date, last: date) -> Part:
    return {"start": first.isoformat(), "end": last.isoformat()}


def _to(key: UUID) -> Part:
    return {"reference": f"urn:uuid:{key}"}


def _unknown() -> Part:
    """A reference that has to be there, to what this system does not know."""
    return {"extension": [{"url": _ABSENT, "valueCode": "unknown"}]}


def _organization_id(practice: Practice) -> UUID:
    """The clinic's key is no UUID: one that is always the same for it."""
    return uuid5(NAMESPACE_URL, f"urn:hearthline:clinic:{practice.id}")


def _organization(practice: Practice) -> Part:
    return {
        "resourceType": "Organization",
        "id": str(_organization_id(practice)),
        "name": practice.name,
    }


def _patient(who: ClaimPatient) -> Part:
    name = {"family": who.family_name, "given": [who.given_name]}
    found: Part = {"resourceType": "Patient", "id": str(who.id), "name": [name]}
    if who.record_number:
        kind = {"system": f"{_TERMINOLOGY}/v2-0203", "code": "MR"}
        found["identifier"] = [{"type": {"coding": [kind]}, "value": who.record_number}]
    if who.sex:
        found["gender"] = who.sex
    if who.birth_date:
        found["birthDate"] = who.birth_date.isoformat()
    return found


def _practitioner(who: Practitioner) -> Part:
    found: Part = {
        "resourceType": "Practitioner",
        "id": str(who.id),
        "name": [{"text": who.name}],
    }
    return found | (
        {"qualification": [{"code": {"text": who.credential}}]} if who.credential else {}
    )
