"""The label `reason` is a closed set: on counters, on gauges, and in the example alerts."""

from __future__ import annotations

import re

import pytest
from prometheus_client import generate_latest

from api.quarantine_words import REASONS
from ingest import metrics
from ingest.outbox import _count_open
from scripts.spine import ROOT
from store.batch import write_batch
from store.pool import connection, open_pool
from store.rows import QuarantineRow
from vitals.errors import EnvelopeError, QuarantineReason, ReadingRejected

ALL = {reason.value for reason in QuarantineReason}


def labels(name):
    text = generate_latest(metrics.REGISTRY).decode()
    found = re.findall(rf'^{name}\{{reason="(\w+)"\}} (\S+)$', text, re.MULTILINE)
    return {reason: float(value) for reason, value in found}


def test_every_reason_is_counted_from_the_start_and_no_other_label_exists():
    assert labels("hearthline_ingest_quarantined_total").keys() == ALL
    told = {
        name
        for family in metrics.REGISTRY.collect()
        for one in family.samples
        for name in one.labels
    }
    assert told <= {"reason", "le"}


def test_what_refuses_takes_a_reason_of_the_set():
    assert EnvelopeError.__init__.__annotations__["reason"] == "QuarantineReason"
    assert ReadingRejected.__init__.__annotations__["reason"] == "QuarantineReason"
    with pytest.raises(ValueError, match="no reason of ours"):
        QuarantineReason("no reason of ours")


def test_every_reason_has_words_for_people():
    assert REASONS.keys() == ALL


@pytest.mark.services
async def test_what_waits_is_told_by_reason_and_what_is_done_is_not(admin, database):
    rows = [
        QuarantineRow(
            topic="hl/v1/north/gw-1/readings",
            scope="envelope",
            payload=b"%d" % number,
            reason=QuarantineReason(reason),
            detail="",
        )
        for number, reason in enumerate(
            [QuarantineReason.NOT_JSON] * 3 + [QuarantineReason.BAD_TIME]
        )
    ]
    async with open_pool(database.urls["hl_ingest"]) as pool:
        async with connection(pool) as conn:
            await write_batch(conn, readings=[], quarantined=rows)
        await admin.execute("UPDATE quarantine SET state = 'discarded' WHERE payload = '0'")
        await admin.execute(
            "INSERT INTO quarantine (topic, scope, content_hash, payload, reason, detail)"
            " VALUES ('t', 'envelope', 'h', 'p', 'of a later release', '')"
        )
        before = await _count_open(pool, -1e9)
        assert await _count_open(pool, before) == before
    found = labels("hearthline_quarantine_open")
    assert found.keys() == ALL
    assert {reason: n for reason, n in found.items() if n} == {"not_json": 2, "bad_time": 1}


def test_the_example_alerts_name_metrics_and_reasons_that_exist():
    text = (ROOT / "deploy" / "prometheus" / "alerts.yaml").read_text()
    expressions = re.findall(r"^ +expr: (.+)$", text, re.MULTILINE)
    assert len(expressions) == text.count("- alert: ") > 0
    told = "".join(path.read_text() for path in ROOT.glob("*/metrics.py"))
    prefixes = dict(re.findall(r'_P = "(hearthline_(\w+))"', told))
    for expression in expressions:
        for name in re.findall(r"hearthline_\w+", expression):
            short = next((name[len(p) + 1 :] for p in prefixes if name.startswith(p)), name)
            assert re.sub("_total$", "", short) in told, name
        assert set(re.findall(r'reason="(\w+)"', expression)) <= ALL
