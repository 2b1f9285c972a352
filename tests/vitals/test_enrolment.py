"""Codes that people type, and verifiers that a broker reads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vitals import enrolment


def test_a_code_is_what_it_was_however_it_is_typed() -> None:
    for _ in range(50):
        code = enrolment.new_code()
        letters = code.replace("-", "")
        assert len(letters) == 12
        assert len(code) == 14
        for typed in (code, code.lower(), letters, f" {code} ", code.replace("-", " – ")):  # noqa: RUF001
            assert enrolment.typed(typed) == letters


@pytest.mark.parametrize("text", ["", "ABCD-EFGH", "0000-0000-0000", "ABCD-EFGH-JKMN-P", "é" * 12])
def test_what_can_be_no_code_is_none(text: str) -> None:
    assert enrolment.typed(text) is None


def test_letters_that_look_alike_are_not_used() -> None:
    for pair in ("0O", "1I", "1L", "5S", "8B", "2Z", "UV"):
        assert sum(letter in enrolment.ALPHABET for letter in pair) <= 1
    assert len(set(enrolment.ALPHABET)) == len(enrolment.ALPHABET) == 23


@given(st.text(max_size=80))
def test_a_verifier_knows_its_password_and_no_other(password: str) -> None:
    verifier = enrolment.verifier_of(password)
    assert enrolment.is_verifier(verifier)
    assert enrolment.matches(password, verifier)
    assert not enrolment.matches(f"{password}x", verifier)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain",
        "$7$101$AAAA$AAAA",
        f"$7$101${'A' * 16}${'A' * 86}==\nevil:x",
        f"$7$1${'A' * 16}${'A' * 86}==",
        f"$7$999999${'A' * 16}${'A' * 86}==",
        f"$6$101${'A' * 16}${'A' * 86}==",
    ],
)
def test_what_would_not_be_one_line_of_the_brokers_list_is_refused(text: str) -> None:
    assert not enrolment.is_verifier(text)


def test_users_are_read_back() -> None:
    assert enrolment.read_user(enrolment.user_name("north", "gw-1", 3)) == ("north", "gw-1", 3)
    for user in ("north/gw-1", "north/gw-1/0", "north/gw-1/x", "-n/gw/1", "hl-ingest", ""):
        assert enrolment.read_user(user) is None
