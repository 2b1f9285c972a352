"""The receive loop: whole and cut packets, what the codec refuses, windows and refusals."""

from __future__ import annotations

import asyncio
import struct
from typing import Any, cast

import mqtt5
import pytest

from ingest.link import BrokerLost, Link, Odd, future
from ingest.subscriber import Refused, Subscriber

QOS = mqtt5.QoS.AT_LEAST_ONCE


class Wire:
    """The other end: what was written, and whether it is over."""

    def __init__(self):
        self.written, self.writes, self.aborted = b"", 0, False

    def write(self, data):
        self.written += bytes(data)
        self.writes += 1

    def abort(self):
        self.aborted = True

    def packets(self):
        found, view = [], memoryview(self.written)
        while view:
            packet, size = mqtt5.read(view)
            found.append(packet)
            view = view[size:]
        return found


@pytest.fixture
def odd():
    return []


@pytest.fixture
async def link(odd):
    link = Link(lambda what, why: odd.append((what, why)))
    link.connection_made(cast("Any", Wire()))
    return link


def wire_of(link):
    return link._transport


def published(number, payload=b"{}", **options):
    packet = mqtt5.PublishPacket(
        "hl/v1/north/gw-1/readings", payload, qos=QOS, packet_id=number, **options
    )
    return packet.write()


def welcome(link, receive_max=65_535):
    link.data_received(mqtt5.ConnAckPacket(receive_max=receive_max).write())


@pytest.mark.parametrize("at_once", [1, 2, 3, 7, 1000])
async def test_however_the_bytes_are_cut_the_messages_are_whole(link, at_once):
    data = b"".join(published(n, b"x" * n, correlation_data=b"c%d" % n) for n in range(1, 200, 40))
    for start in range(0, len(data), at_once):
        link.data_received(data[start : start + at_once])
    assert [(m.packet_id, len(m.payload), m.correlation) for m in link.inbox] == [
        (n, n, b"c%d" % n) for n in range(1, 200, 40)
    ]
    assert link.unacknowledged == 5


async def test_what_the_codec_refuses_becomes_a_message_and_the_next_one_is_read(link):
    topic = b"hl/v1/north/gw-1/readings"
    body = struct.pack("!H", len(topic)) + topic + struct.pack("!H", 7) + b"\x02\x7f\x00" + b"{}"
    link.data_received(bytes([0x32, len(body)]) + body + published(8))
    first, second = link.inbox
    assert (first.topic, first.packet_id, first.payload) == (topic.decode(), 7, b"\x02\x7f\x00{}")
    assert (second.packet_id, link.error) == (8, None)


async def test_a_malformed_packet_that_is_no_message_ends_the_connection(link):
    link.data_received(b"\x20\x03\x00\xee\x00")
    assert link.error is not None
    assert wire_of(link).aborted
    with pytest.raises(BrokerLost):
        link.send(mqtt5.PingReqPacket())


@pytest.mark.parametrize(
    "packet",
    [b"\x32\x01\x00", b"\x32\x03\xff\xff\x00", b"\x32\x02\x00\x01"],
    ids=["one byte", "a topic longer than the packet", "no packet id"],
)
async def test_a_message_without_a_name_ends_the_connection_and_no_more(link, packet):
    link.data_received(packet)
    assert link.error is not None
    assert not link.inbox


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_text_that_is_none_is_a_message_like_others_refused(link):
    """The codec panics there, which is no Exception of Python's."""
    topic = b"hl/v1/north/gw-1/\xff\xfe"
    body = struct.pack("!H", len(topic)) + topic + struct.pack("!H", 9) + b"\x00{}"
    link.data_received(bytes([0x32, len(body)]) + body)
    assert (link.inbox[0].packet_id, link.error) == (9, None)


async def test_quality_of_service_0_is_not_acknowledged_and_not_kept(link, odd):
    link.data_received(mqtt5.PublishPacket("hl/v1/north/gw-1/readings", b"{}").write())
    assert (list(link.inbox), link.unacknowledged, odd[0][0]) == ([], 0, Odd.QOS_0)


async def test_the_brokers_keep_alive_replaces_ours(link):
    link.data_received(mqtt5.ConnAckPacket(server_keep_alive=15).write())
    assert link.keep_alive_s == 15


async def test_receipts_and_acknowledgements_leave_in_one_write_receipts_first(link):
    welcome(link)
    link.data_received(published(5) + published(6))
    subscriber = Subscriber(link)
    batch = await subscriber.take(most=10, most_bytes=1000, age_s=0, idle_s=1)
    await subscriber.send(
        [("hl/v1/north/gw-1/receipts", b"a"), ("hl/v1/north/gw-2/receipts", b"b")]
    )
    assert wire_of(link).writes == 0
    subscriber.acknowledge(batch)
    assert wire_of(link).writes == 1
    kinds = [type(packet).__name__ for packet in wire_of(link).packets()]
    assert kinds == ["PublishPacket"] * 2 + ["PubAckPacket"] * 2
    assert [p.packet_id for p in wire_of(link).packets()[2:]] == [5, 6]
    assert link.unacknowledged == 0


async def test_a_broker_that_takes_one_at_a_time_gets_one_at_a_time(link):
    welcome(link, receive_max=1)
    subscriber = Subscriber(link)
    topic = "hl/v1/north/gw-1/receipts"
    sending = asyncio.create_task(subscriber.send([(topic, b"1"), (topic, b"2"), (topic, b"3")]))
    for expected in (1, 2):
        await asyncio.sleep(0.01)
        assert len(wire_of(link).packets()) == expected
        number = wire_of(link).packets()[-1].packet_id
        link.data_received(mqtt5.PubAckPacket(number).write())
    await sending
    link.flush()
    assert [p.payload for p in wire_of(link).packets()] == [b"1", b"2", b"3"]


async def test_a_refused_receipt_is_told_and_a_refused_publication_raised(link, odd):
    welcome(link)
    subscriber = Subscriber(link)
    await subscriber.send([("hl/v1/north/gw-1/receipts", b"1")])
    no = mqtt5.PubAckReasonCode.NOT_AUTHORIZED
    link.data_received(mqtt5.PubAckPacket(1, reason_code=no).write())
    assert odd == [(Odd.REFUSED, "NOT_AUTHORIZED")]
    asking = asyncio.create_task(subscriber.publish("hl/v1/north/gw-1/desired", b"{}"))
    await asyncio.sleep(0.01)
    link.data_received(mqtt5.PubAckPacket(2, reason_code=no).write())
    with pytest.raises(Refused, match="NOT_AUTHORIZED"):
        await asking


async def test_whoever_waits_hears_that_the_connection_is_lost(link):
    welcome(link, receive_max=1)
    subscriber = Subscriber(link)
    waiting = [
        asyncio.create_task(subscriber.publish("hl/v1/north/gw-1/desired", b"{}")),
        asyncio.create_task(subscriber.publish("hl/v1/north/gw-1/desired", b"{}")),
        asyncio.create_task(subscriber.take(most=1, most_bytes=1, age_s=1, idle_s=60)),
    ]
    await asyncio.sleep(0.01)
    link.connection_lost(ConnectionResetError("reset"))
    for task in waiting:
        with pytest.raises(BrokerLost, match="reset"):
            await task


async def test_a_batch_ends_by_number_by_bytes_or_by_age(link):
    welcome(link)
    subscriber = Subscriber(link)
    link.data_received(b"".join(published(n, b"x" * 10) for n in range(1, 8)))
    sizes = []
    for most, most_bytes in ((3, 1000), (10, 20), (10, 1000), (10, 1000)):
        batch = await subscriber.take(most=most, most_bytes=most_bytes, age_s=0.01, idle_s=0.01)
        sizes.append(len(batch))
    assert sizes == [3, 2, 2, 0]


async def test_an_answer_that_nobody_asked_for_is_no_room(link):
    welcome(link, receive_max=3)
    link.data_received(mqtt5.PubAckPacket(9).write())
    assert link.quota == 3
    link.publish("hl/v1/north/gw-1/desired", b"{}", answer=(answer := future()))
    link.data_received(mqtt5.PubAckPacket(1).write() * 2)
    assert (link.quota, answer.result().packet_id) == (3, 1)
