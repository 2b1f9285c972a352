"""Frames from real devices and from the specification, through the decoder that others call."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from devices import json_view, registry
from devices.__main__ import main
from devices.errors import DecodeError

VECTORS = json.loads(Path(__file__).with_name("vectors.json").read_text(encoding="utf-8"))
READ = [vector for vector in VECTORS if "error" not in vector["expect"]]
REFUSED = [vector for vector in VECTORS if "error" in vector["expect"]]
OWN = [
    vector for vector in READ if vector["expect"].get("vendor") in ("beurer-swapped", "xiaomi-2A9C")
]


def by_id(vector: dict[str, str]) -> str:
    return vector["id"]


@pytest.mark.parametrize("vector", READ, ids=by_id)
def test_a_frame_is_read_as_its_source_says(vector, capsys):
    code = main(["decode", "--characteristic", vector["characteristic"], "--hex", vector["hex"]])
    said = json.loads(capsys.readouterr().out)
    assert code == 0
    assert {key: said[key] for key in vector["expect"]} == vector["expect"]


@pytest.mark.parametrize("vector", REFUSED, ids=by_id)
def test_a_frame_that_nobody_knows_is_refused(vector):
    with pytest.raises(DecodeError, match=r"byte \d+: "):
        json_view.view(vector["characteristic"], bytes.fromhex(vector["hex"]))


@pytest.mark.parametrize("vector", OWN, ids=by_id)
def test_a_makers_own_frame_is_not_the_standards(vector):
    codec = registry.find(vector["characteristic"])
    with pytest.raises(DecodeError, match=r"byte \d+: "):
        codec.decode(bytes.fromhex(vector["hex"]))


@pytest.mark.parametrize("vector", OWN, ids=by_id)
def test_the_dialect_that_a_device_speaks_is_asked_first(vector):
    payload, vendor = bytes.fromhex(vector["hex"]), vector["expect"]["vendor"]
    codec, _ = registry.read(vector["characteristic"], payload, frame=vendor)
    assert codec.vendor == vendor


@pytest.mark.parametrize("vector", READ, ids=by_id)
def test_a_frame_is_written_again_as_it_was_read(vector):
    payload = bytes.fromhex(vector["hex"])
    codec, measurement = registry.read(vector["characteristic"], payload)
    assert codec.decode(codec.encode(measurement)) == measurement


@pytest.mark.parametrize("vector", READ, ids=by_id)
def test_a_frame_cut_anywhere_is_refused(vector):
    payload, frame = bytes.fromhex(vector["hex"]), vector["expect"].get("vendor")
    for size in range(len(payload)):
        with pytest.raises(DecodeError, match=r"byte \d+: "):
            registry.read(vector["characteristic"], payload[:size], frame=frame)


@pytest.mark.parametrize("vector", READ, ids=by_id)
def test_a_byte_too_many_is_refused(vector):
    with pytest.raises(DecodeError, match=r"byte \d+: "):
        registry.read(vector["characteristic"], bytes.fromhex(vector["hex"] + "00"))


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "devices", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("uuid", ["2A35", "2a35", "0x2A35", "00002A35-0000-1000-8000-00805f9b34fb"])
def test_the_command_prints_one_object_for_every_spelling_of_a_uuid(uuid):
    done = run("decode", "--characteristic", uuid, "--hex", "00780050005d00")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["systolic"] == 120


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (
            ["decode", "--characteristic", "2A35", "--hex", "04780050005d0048"],
            "blood pressure: byte 7: 2 bytes needed for pulse rate, 1 left",
        ),
        (["decode", "--characteristic", "2A35", "--hex", ""], "byte 0: 1 byte needed for flags"),
        (["decode", "--characteristic", "2A35", "--hex", "0078005"], "byte 3: one digit"),
        (["decode", "--characteristic", "2A35", "--hex", "00zz"], "byte 1: 'z' is not"),
        (["decode", "--characteristic", "2A35", "--hex", "00\n٣٣"], "byte 1: "),
        (["decode", "--characteristic", "FFF1", "--hex", "00"], "'FFF1' is not known"),
        (["decode", "--characteristic", "a\nb", "--hex", "00"], "is not known"),
        (["decode", "--characteristic", "2A35"], "required: --hex"),
        (["decode", "--colour\nred"], "required"),
        ([], "required: COMMAND"),
    ],
)
def test_what_cannot_be_decoded_is_one_line_and_exit_2(arguments, why, capsys):
    try:
        code: object = main(arguments)
    except SystemExit as exc:
        code = exc.code
    said = capsys.readouterr()
    assert (code, said.out, said.err.count("\n")) == (2, "", 1)
    assert why in said.err


def test_the_command_refuses_with_exit_2():
    done = run("decode", "--characteristic", "2A35", "--hex", "1e78")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "byte 1: 2 bytes needed for systolic pressure, 1 left" in done.stderr
