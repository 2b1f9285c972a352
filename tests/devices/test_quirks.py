"""Devices are known by what they say of themselves, and the table says where it knows that from."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices import page, quirks
from devices.__main__ import main
from devices.quirks import FAMILIES, Pairing, Support
from simulator import behaviour

words = st.none() | st.text()
VECTORS = json.loads(Path(__file__).with_name("vectors.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("said", "family"),
    [
        ({}, "standard"),
        ({"name": "", "manufacturer": "", "model": ""}, "standard"),
        ({"name": "A&D_UA-651BLE_D57B3F"}, "and-cuff"),
        ({"name": "UB-1100BLE_88C32F", "manufacturer": "A&D Medical"}, "and-cuff"),
        ({"name": "A&D_UC-352BLE_A1B2C3", "services": ["181D"]}, "and-scale"),
        ({"model": "UC-450BLE"}, "and-uc-450"),
        ({"name": "BLESmart_0000025828FFB20591B5", "services": ["1810"]}, "omron-cuff"),
        ({"name": "BLESmart_000000D3D56AA228D525", "services": ["fe4a"]}, "standard"),
        ({"name": "meter+02252924", "services": ["1808"]}, "accu-chek"),
        ({"manufacturer": "Roche"}, "accu-chek"),
        ({"name": "Contour7830H5012345"}, "contour"),
        ({"manufacturer": "LifeScan"}, "onetouch-verio"),
        ({"name": "BM85"}, "beurer-cuff"),
        ({"name": "SBM69"}, "sanitas-cuff"),
        ({"name": "meter+02252924", "model": "Accu-Chek Instant"}, "accu-chek-instant"),
        ({"name": "BF720", "services": ["181c"]}, "beurer-scale"),
        ({"name": "MIBFS", "service_data": ["181b"]}, "xiaomi-scale-2"),
        ({"service_data": ["0000181D-0000-1000-8000-00805F9B34FB"]}, "xiaomi-scale"),
        ({"name": "meter+1", "model": "BM85"}, "beurer-cuff"),  # what it is beats what it is called
    ],
)
def test_a_device_is_known_by_what_it_says(said, family):
    assert quirks.of(**said).family == family


@given(name=words, manufacturer=words, model=words)
def test_whatever_a_device_calls_itself_it_has_a_family(name, manufacturer, model):
    family = quirks.of(name=name, manufacturer=manufacturer, model=model)
    assert family in (*FAMILIES, quirks.STANDARD)


@pytest.mark.parametrize("row", FAMILIES, ids=lambda row: row.family)
def test_a_row_is_found_by_its_name_and_holds_together(row):
    assert quirks.by_family(row.family) is row
    assert row.signs
    assert bool(row.kinds) is (row.support is not Support.NOT_SUPPORTED)
    assert not (row.advert_only and (row.needs_consent or row.pairing is not Pairing.NONE))
    for source in row.sources:
        assert urlsplit(source).scheme == "https"
    for sign in row.signs:
        for pattern in (sign.name, sign.manufacturer, sign.model):
            re.compile(pattern or "")


@pytest.mark.parametrize("row", FAMILIES, ids=lambda row: row.family)
def test_the_captures_that_a_row_names_are_among_the_frames(row):
    captured = {vector["id"] for vector in VECTORS if vector["kind"] == "captured"}
    assert set(row.captures) <= captured


def test_names_are_given_once():
    names = [row.family for row in (*FAMILIES, quirks.STANDARD)]
    assert len(set(names)) == len(names)


def test_what_is_called_simulated_is_what_the_simulator_has():
    shown = [how for how in vars(behaviour).values() if isinstance(how, behaviour.Behaviour)]
    known = {
        quirks.of(name=how.name, manufacturer=how.manufacturer, model=how.model).family
        for how in shown
    }
    assert {row.family for row in FAMILIES if row.simulated} == known - {"standard"}


PAGE = (Path(__file__).parents[2] / "docs" / "devices.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "table", [page.families, page.refused, page.characteristics, page.measurements]
)
def test_the_page_of_devices_shows_the_tables(table):
    assert table() in PAGE, "python -m devices page prints it as it is now"


def test_the_command_prints_the_tables(capsys):
    assert main(["page"]) == 0
    assert page.families() in capsys.readouterr().out
