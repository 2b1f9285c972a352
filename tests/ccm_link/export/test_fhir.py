"""A Claim for each kind of month, what is in it, and that whoever judges it sees what is wrong."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import pytest
from pydantic import ValidationError

from ccm_link.claim_fhir import CPT, HCPCS, bundle_json, claim, claim_json
from tests.ccm_link.export.judges import problems
from tests.ccm_link.export.make import (
    DOCTOR,
    OTHER,
    PRACTICE,
    PRACTITIONERS,
    RATES,
    SIGNING,
    SOMEBODY,
    claim_for,
    facts,
    signed,
)


def made(of, practice=PRACTICE):
    return json.loads(claim_json(of, practice))


CLAIMS = {
    "ccm": claim_for(facts("CCM")),
    "both": claim_for(facts("CCM", "RPM")),
    "verified": claim_for(facts("CCM", "RPM"), rates=RATES),
    "no record number": claim_for(facts("CCM"), replace(SOMEBODY, record_number=None)),
    "nobody knows": claim_for(facts("CCM"), replace(SOMEBODY, sex=None, birth_date=None)),
    "parts of a second": claim_for(facts("CCM", minutes=20.0001)),
    "apcm": claim_for(facts("CCM", apcm=["G0557"])),
}


@pytest.mark.parametrize("name", CLAIMS)
def test_a_claim_is_valid_by_all_three(name):
    assert problems(made(CLAIMS[name])) == []


def test_a_bundle_is_valid_and_names_each_once():
    other = replace(SOMEBODY, id=UUID(int=8), record_number="MRN-2")
    claims = [CLAIMS["both"], claim_for(facts("CCM"), other, id=UUID(int=7))]
    found = json.loads(bundle_json(claims, PRACTICE))
    assert problems(found) == []
    kinds = [entry["resource"]["resourceType"] for entry in found["entry"]]
    assert kinds.count("Patient") == 2
    assert kinds.count("Organization") == 1
    assert kinds.count("Claim") == 2
    urls = [entry["fullUrl"] for entry in found["entry"]]
    assert len(urls) == len(set(urls))
    named = set(references(found))
    assert named <= set(urls), "a reference points out of the bundle"


def references(part):
    if isinstance(part, dict):
        yield from [part["reference"]] if "reference" in part else []
        part = list(part.values())
    if isinstance(part, list):
        for one in part:
            yield from references(one)


def test_an_empty_bundle_is_valid():
    found = json.loads(bundle_json([], PRACTICE))
    assert problems(found) == []


BREAKS = {
    "no status": lambda c: c.pop("status"),
    "another use": lambda c: c.update(use="bill"),
    "no insurance": lambda c: c.pop("insurance"),
    "a word for a number": lambda c: c["item"][0]["quantity"].update(value="two"),
    "an element of its own": lambda c: c.update(hearthline=1),
    "a day that is none": lambda c: c["billablePeriod"].update(start="2026-03-99"),
    "sequence from zero": lambda c: c["item"][0].update(sequence=0),
    "no product": lambda c: c["item"][0].pop("productOrService"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_the_other_validators_see_what_is_wrong(name):
    broken = made(CLAIMS["both"])
    BREAKS[name](broken)
    assert problems(broken) != []


def test_lines_are_items():
    found = made(CLAIMS["both"])
    items = {item["productOrService"]["coding"][0]["code"]: item for item in found["item"]}
    assert set(items) == {"99490", "99439", "99454", "99457"}
    assert items["99490"]["quantity"] == {"value": 1}
    assert items["99490"]["servicedDate"] == "2026-03-10"
    assert items["99454"]["servicedDate"] == "2026-03-30"
    assert [item["sequence"] for item in found["item"]] == [1, 2, 3, 4]
    info = {i["sequence"]: i for i in found["supportingInfo"]}
    (time,) = (info[n] for n in items["99490"]["informationSequence"])
    assert time["valueQuantity"]["value"] == 2700
    assert time["valueQuantity"]["code"] == "s"
    (days,) = (info[n] for n in items["99454"]["informationSequence"])
    assert (days["valueQuantity"]["value"], days["valueQuantity"]["code"]) == (16, "d")


def test_codes_are_named_by_their_system_and_not_described():
    cpt = made(CLAIMS["both"])["item"]
    assert {c["system"] for item in cpt for c in item["productOrService"]["coding"]} == {CPT}
    (apcm, *_) = made(CLAIMS["apcm"])["item"]
    assert apcm["productOrService"] == {"coding": [{"system": HCPCS, "code": "G0557"}]}
    assert all(set(item["productOrService"]["coding"][0]) == {"system", "code"} for item in cpt)


def test_money_only_where_it_was_verified():
    silent = made(CLAIMS["both"])
    assert "total" not in silent
    assert not any({"net", "unitPrice"} & set(item) for item in silent["item"])
    paid = json.loads(claim_json(CLAIMS["verified"], PRACTICE), parse_float=Decimal)
    assert paid["total"]["currency"] == "USD"
    assert paid["total"]["value"] == Decimal("220.87")
    assert sum(item["net"]["value"] for item in paid["item"]) == paid["total"]["value"]
    half = CLAIMS["verified"]
    half = replace(half, lines=(replace(half.lines[0], is_verified=False), *half.lines[1:]))
    assert "total" not in made(half)


def test_what_nobody_knows_is_said_to_be_unknown():
    found = made(CLAIMS["ccm"])
    unknown = {
        "extension": [
            {
                "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
                "valueCode": "unknown",
            }
        ]
    }
    assert found["insurer"] == unknown
    assert [i["coverage"] for i in found["insurance"]] == [unknown]
    assert "diagnosis" not in found


def test_the_signature_is_in_it():
    own = signed(facts("CCM"))
    found = made(CLAIMS["ccm"])
    told = {i["code"]["text"]: i.get("valueString") for i in found["supportingInfo"]}
    assert told["facts_sha256"] == own.facts_sha256
    assert told["result_sha256"] == own.result_sha256
    assert told["signed_by"] == "Bela Biller"
    assert found["identifier"] == [{"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{SIGNING}"}]
    assert found["created"].startswith("2026-04-02T14:30:00")


def test_another_practitioner_of_a_line_is_on_the_team():
    of = CLAIMS["both"]
    lines = (replace(of.lines[0], practitioner=PRACTITIONERS[OTHER]), *of.lines[1:])
    found = made(replace(of, lines=lines))
    team = {who["sequence"]: who for who in found["careTeam"]}
    own = [team[item["careTeamSequence"][0]]["provider"]["reference"] for item in found["item"]]
    assert own == [f"urn:uuid:{OTHER}"] + [f"urn:uuid:{DOCTOR}"] * (len(of.lines) - 1)
    assert [who["responsible"] for who in found["careTeam"]] == [True, False]
    assert problems(found) == []


def test_the_same_month_is_the_same_text():
    again = claim_for(facts("CCM", "RPM"))
    assert claim_json(CLAIMS["both"], PRACTICE) == claim_json(again, PRACTICE)


@pytest.mark.parametrize("name", CLAIMS)
def test_what_is_written_is_what_was_checked(name):
    """Nothing is mended on the way in: fhir.resources would write the same."""
    written = claim(CLAIMS[name], PRACTICE).model_dump_json()
    assert timeless(json.loads(written)) == timeless(made(CLAIMS[name]))


def timeless(part):
    """`+00:00` and `Z` are one instant."""
    return part | {"created": datetime.fromisoformat(part["created"])}


def test_what_fhir_resources_refuses_is_never_sent():
    wrong = replace(CLAIMS["ccm"].lines[0], code=" 99490 ")
    with pytest.raises(ValidationError):
        claim(replace(CLAIMS["ccm"], lines=(wrong,)), PRACTICE)
