"""The broker's lists: who is let in, what others wrote there, and what each may touch."""

from __future__ import annotations

from pathlib import Path

from ingest import broker_users
from vitals.enrolment import verifier_of

VERIFIER = verifier_of("secret")
FIRST = {"clinic_id": "north", "gateway": "gw-1", "number": 1, "verifier": VERIFIER}
SECOND = FIRST | {"number": 2}
BY_HAND = ["hl-ingest:$7$101$x$y", "north/gw-9:$7$101$x$y"]


def test_what_others_wrote_stays_and_ended_credentials_go() -> None:
    text = broker_users.passwords([*BY_HAND, "south/gw-5/1:gone"], [FIRST, SECOND])
    assert text.splitlines() == [
        *BY_HAND,
        f"north/gw-1/1:{VERIFIER}",
        f"north/gw-1/2:{VERIFIER}",
    ]
    assert broker_users.passwords(text.splitlines(), []).splitlines() == BY_HAND


def test_both_credentials_of_a_gateway_reach_its_own_branch_alone() -> None:
    rules = broker_users.acl(["hl-ingest", "north/gw-9", "north/gw-1/1", "north/gw-1/2"])
    blocks = dict(block.split("\n", 1) for block in rules.strip().split("\n\n"))
    assert set(blocks) == {
        "user hl-ingest",
        "user north/gw-9",
        "user north/gw-1/1",
        "user north/gw-1/2",
    }
    assert blocks["user north/gw-1/2"].split("\n") == [
        "topic write hl/v1/north/gw-1/readings",
        "topic write hl/v1/north/gw-1/status",
        "topic read hl/v1/north/gw-1/receipts",
        "topic read hl/v1/north/gw-1/desired",
    ]


def test_files_are_written_for_their_owner_and_only_where_they_differ(tmp_path: Path) -> None:
    passwords, acl = tmp_path / "passwords", tmp_path / "acl"
    passwords.write_text("\n".join(BY_HAND) + "\n")
    assert broker_users.bring_up_to_date(passwords, acl, [FIRST])
    assert not broker_users.bring_up_to_date(passwords, acl, [FIRST])
    assert passwords.stat().st_mode & 0o777 == 0o600
    assert broker_users.users(passwords.read_text()) == ["hl-ingest", "north/gw-9", "north/gw-1/1"]
    assert "user north/gw-1/1" in acl.read_text()
    assert broker_users.bring_up_to_date(passwords, acl, [])
    assert "north/gw-1/1" not in acl.read_text()
