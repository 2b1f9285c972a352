"""One visit to one device: facts and clock -> records -> spool -> only then its clock is set.

Each reading is durable before the next step is taken; whatever had come when a link breaks is kept.
The spool's high-water mark follows the records in their order, so it never passes a gap, nor a
record whose context was cut off: that one is asked for again, and amended.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog

from devices import (
    battery,
    blood_pressure,
    current_time,
    date_time,
    device_information,
    glucose,
    glucose_context,
    racp,
    weight,
)
from devices.errors import DecodeError
from gateway import normalise
from gateway.link import Client, Nobody, Radio, Sighting, Watcher, short_hash
from gateway.metrics import Metrics
from gateway.normalise import Provenance
from gateway.settings import Settings
from gateway.spool import DeviceRecord, Spool
from vitals.reading import Reading

log = structlog.get_logger(__name__)

CLOCK_TOLERANCE_S = 5.0  # a device clock this close to the home's is left alone
CLOCK_RESET_S = 86_400.0  # an offset that moved this far since the last visit: battery was out
RECORD_TIMEOUT_S = 15.0  # silence of a meter in the middle of a transfer
LAST_SEQUENCE = 0xFFFF

_REPORT_LAST = racp.Request(op=racp.Op.REPORT, operator=racp.Operator.LAST)
_INDICATED = {
    blood_pressure.CHARACTERISTIC: normalise.BLOOD_PRESSURE,
    weight.CHARACTERISTIC: normalise.WEIGHT,
}
_CLOCKS: dict[str, Callable[[bytes], datetime | None]] = {
    current_time.CHARACTERISTIC: lambda payload: current_time.decode(payload).time,
    date_time.CHARACTERISTIC: date_time.decode,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Value:
    characteristic: str
    payload: bytes
    at: datetime


@dataclass(slots=True, kw_only=True)
class _Pending:
    reading: Reading
    context_until: float | None  # loop time; None: complete


@dataclass(slots=True, kw_only=True)
class Visit:
    """One conversation. `run` returns how many readings were new."""

    radio: Radio
    sighting: Sighting
    spool: Spool
    settings: Settings
    metrics: Metrics
    clock: Callable[[], datetime]
    watcher: Watcher = field(default_factory=Nobody)
    new: int = 0
    linked: bool = False
    _client: Client = field(init=False)
    _values: asyncio.Queue[_Value | None] = field(default_factory=asyncio.Queue)
    _pending: OrderedDict[int, _Pending] = field(default_factory=OrderedDict)
    _bare: dict[int, Reading] = field(default_factory=dict)  # spooled; its context never came
    _facts: DeviceRecord = field(init=False)
    _dis: dict[str, str] = field(default_factory=dict)
    _clock_characteristic: str | None = None

    async def run(self) -> int:
        self._client = self.radio.client(
            self.sighting.ble_device, lambda _: self._values.put_nowait(None), pair=True
        )
        try:
            self.watcher.connecting(self.sighting.address)
            async with asyncio.timeout(self.settings.connect_timeout_s):
                await self._client.connect()
            self.linked = True
            self.watcher.connected(self.sighting.address)
            known = await self.spool.device(self.sighting.address)
            await self._read_facts()
            await self._read_records(known)
            await self._set_clock()
        finally:
            await self._flush(everything=True)
            await self._take_rest()
            await self._hang_up()
            await self._take_rest()  # confirmed to the device while we hung up
        return self.new

    async def _hang_up(self) -> None:
        # The link's errors are the radio library's own; on the way out none of them matters.
        with suppress(Exception):
            async with asyncio.timeout(5):
                await self._client.disconnect()

    def _has(self, characteristic: str) -> bool:
        return self._client.services.get_characteristic(characteristic) is not None

    async def _optional(self, characteristic: str) -> bytes | None:
        """A value that a reading can do without: a refusal costs nothing but the value."""
        if not (self._client.is_connected and self._has(characteristic)):
            return None
        try:
            async with asyncio.timeout(5):
                return bytes(await self._client.read_gatt_char(characteristic))
        except Exception as exc:  # noqa: BLE001 -- any error of the radio library
            log.info("read_refused", device=self._name, error=type(exc).__name__)
            return None

    @property
    def _name(self) -> str:
        return short_hash(self.sighting.address)

    async def _read_facts(self) -> None:
        offset_s = await self._read_clock()
        for characteristic in device_information.CHARACTERISTICS:
            payload = await self._optional(characteristic)
            if payload is not None:
                with suppress(DecodeError):
                    self._dis[characteristic] = device_information.decode(payload)
        percent = None
        charge = await self._optional(battery.CHARACTERISTIC)
        if charge is not None:
            with suppress(DecodeError):
                percent = battery.decode(charge).percent
        self._facts = DeviceRecord(
            address=self.sighting.address,
            last_seen=self.sighting.at,
            bonded=True,
            battery_pct=percent,
            clock_offset_s=offset_s,
            model=self._dis.get(device_information.MODEL_NUMBER),
        )

    async def _read_clock(self) -> float | None:
        """Device clock minus UTC, in seconds, if it can be read and is set to anything."""
        for characteristic, decode in _CLOCKS.items():
            before = self.clock()
            payload = await self._optional(characteristic)
            if payload is None:
                continue
            self._clock_characteristic = characteristic
            with suppress(DecodeError):
                shown = decode(payload)
                if shown is not None:
                    middle = before + (self.clock() - before) / 2
                    return (shown.replace(tzinfo=UTC) - middle).total_seconds()
        return None

    async def _read_records(self, known: DeviceRecord) -> None:
        await self.spool.begun(self.sighting.address)
        if self._has(glucose.CHARACTERISTIC):
            await self._read_meter(known)
        else:
            await self._read_indications()
        await self.spool.ended(self.sighting.address)
        await self.spool.seen(self._facts)

    async def _subscribe(self, characteristic: str) -> None:
        def on_value(_: object, data: bytearray) -> None:
            value = _Value(characteristic=characteristic, payload=bytes(data), at=self.clock())
            self._values.put_nowait(value)

        await self._client.start_notify(characteristic, on_value)

    async def _next(self, timeout_s: float) -> _Value | None:
        """The next value; None if the device hung up or was silent for so long."""
        try:
            async with asyncio.timeout(timeout_s):
                return await self._values.get()
        except TimeoutError:
            return None

    def _origin(self, at: datetime) -> Provenance:
        return Provenance(
            device=self.sighting.address,
            received_at=at,
            zone=self.settings.zone,
            offset_s=self._facts.clock_offset_s,
            battery_pct=self._facts.battery_pct,
            rssi_dbm=self.sighting.rssi_dbm,
            manufacturer=self._dis.get(device_information.MANUFACTURER_NAME),
            model=self._dis.get(device_information.MODEL_NUMBER),
            serial=self._dis.get(device_information.SERIAL_NUMBER),
        )

    async def _keep(self, reading: Reading, *, mark: bool = True) -> None:
        if await self.spool.add(reading, self.clock(), mark=mark):
            self.new += 1
            self.metrics.spooled.labels(kind=reading.kind.value).inc()
            self.watcher.spooled(self.sighting.address, reading)
        elif reading.has_additions:
            await self._amend(reading)

    async def _amend(self, reading: Reading) -> None:
        if await self.spool.amend(reading, self.clock()):
            self.metrics.amended.inc()

    async def _read_indications(self) -> None:
        """Cuff and scale: they send what they have and hang up, or fall silent."""
        offered = [c for c in _INDICATED if self._has(c)]
        for characteristic in offered:
            await self._subscribe(characteristic)
        while offered and (value := await self._next(self.settings.quiet_s)) is not None:
            await self._keep_indicated(value)

    async def _keep_indicated(self, value: _Value) -> None:
        name = _INDICATED[value.characteristic]
        await self._keep(normalise.normalise(name, value.payload, self._origin(value.at)))

    async def _read_meter(self, known: DeviceRecord) -> None:
        await self._subscribe(glucose.CHARACTERISTIC)
        if self._has(glucose_context.CHARACTERISTIC):
            await self._subscribe(glucose_context.CHARACTERISTIC)
        await self._subscribe(racp.CHARACTERISTIC)
        request = await self._what_to_ask(known)
        if request is None:
            return
        outcome = await self._ask(request)
        refused = isinstance(outcome, racp.Failed) and outcome.reason is not racp.Failure.LINK_LOST
        if refused and request != racp.REPORT_ALL:
            outcome = await self._ask(racp.REPORT_ALL)
        if isinstance(outcome, racp.Failed):
            raise ConnectionError(f"records ended early: {outcome.reason}")

    async def _what_to_ask(self, known: DeviceRecord) -> racp.Request | None:
        """Everything, what is newer than the mark, or (None) nothing."""
        mark = known.last_sequence
        if mark is None or self._clock_was_reset(known):
            return racp.REPORT_ALL
        try:
            outcome = await self._ask(_REPORT_LAST)
            last = next(reversed(self._pending.values())).reading if self._pending else None
        finally:
            self._pending.clear()  # only looked at: spooling it would move the mark past a gap
        if last is not None and last.sequence is not None:
            if last.id == known.last_id:
                return None
            if last.sequence <= mark:
                return racp.REPORT_ALL  # the numbers began anew
        elif isinstance(outcome, racp.Reported):
            return None if outcome.records == 0 else racp.REPORT_ALL
        return racp.REPORT_ALL if mark >= LAST_SEQUENCE else racp.report_from(mark + 1)

    def _clock_was_reset(self, known: DeviceRecord) -> bool:
        before, after = known.clock_offset_s, self._facts.clock_offset_s
        return before is not None and after is not None and abs(after - before) > CLOCK_RESET_S

    async def _ask(self, request: racp.Request) -> racp.Outcome:
        procedure = racp.RacpSession()
        payload = procedure.ask(request)
        try:
            await self._client.write_gatt_char(racp.CHARACTERISTIC, payload, response=True)
        except Exception as exc:  # noqa: BLE001 -- any error of the radio library
            log.info("request_refused", device=self._name, error=type(exc).__name__)
            refused = procedure.handle(racp.WriteRefused(att_error=0))
            return refused or racp.Failed(reason=racp.Failure.WRITE_REFUSED, records=0)
        look_only = request == _REPORT_LAST
        outcome = None
        while outcome is None:
            outcome = await self._record_or_end(procedure, await self._next(RECORD_TIMEOUT_S))
            if not look_only:
                await self._flush(everything=False)
        if not look_only:
            await self._await_context()
        return outcome

    async def _record_or_end(
        self, procedure: racp.RacpSession, value: _Value | None
    ) -> racp.Outcome | None:
        if value is None:
            return procedure.handle(racp.LinkLost())
        if value.characteristic == glucose.CHARACTERISTIC:
            procedure.handle(racp.RecordArrived())
            await self._take_record(value)
        elif value.characteristic == glucose_context.CHARACTERISTIC:
            await self._take_context(value)
        else:
            return procedure.handle(racp.Indicated(message=racp.decode(value.payload)))
        return None

    async def _take_record(self, value: _Value) -> None:
        origin = self._origin(value.at)
        reading = normalise.normalise(normalise.GLUCOSE, value.payload, origin)
        if reading.sequence is None:  # too short to hold its number: belongs nowhere in the order
            await self._keep(reading)
            return
        follows = bool(value.payload[0] & glucose.CONTEXT_FOLLOWS)
        until = asyncio.get_running_loop().time() + self.settings.context_wait_s
        self._pending[reading.sequence] = _Pending(
            reading=reading, context_until=until if follows else None
        )

    async def _take_context(self, value: _Value) -> None:
        sequence = int.from_bytes(value.payload[1:3], "little")  # also of one that cannot be read
        waiting = self._pending.get(sequence)
        if waiting is None:
            await self._take_late_context(sequence, value)
            return
        waiting.reading = normalise.with_context(waiting.reading, value.payload)
        waiting.context_until = None

    async def _take_late_context(self, sequence: int, value: _Value) -> None:
        reading = self._bare.pop(sequence, None)
        if reading is None:
            log.info("context_without_record", device=self._name)
        else:
            await self._amend(normalise.with_context(reading, value.payload))

    async def _await_context(self) -> None:
        """Records are all here; give their contexts the rest of their time."""
        loop = asyncio.get_running_loop()
        while self._pending:
            await self._flush(everything=False)
            if not self._pending:
                return
            if not self._client.is_connected and self._values.empty():
                await self._flush(everything=True)
                return
            until = next(iter(self._pending.values())).context_until or 0.0
            value = await self._next(max(0.01, until - loop.time()))
            if value is not None and value.characteristic == glucose_context.CHARACTERISTIC:
                await self._take_context(value)

    async def _flush(self, *, everything: bool) -> None:
        """Spool the oldest pending records, in order, up to the first that still waits."""
        now = asyncio.get_running_loop().time()
        whole = True
        while self._pending:
            sequence, head = next(iter(self._pending.items()))
            waits = head.context_until is not None and head.context_until > now
            if waits and not everything:
                return
            whole = whole and not waits
            await self._keep(head.reading, mark=whole)
            self._pending.pop(sequence, None)
            if head.context_until is not None:
                self._bare[sequence] = head.reading

    async def _set_clock(self) -> None:
        """Last of all, and only if it is wrong: until here its offset told the true times."""
        wanted = self.clock().astimezone(self.settings.zone).replace(tzinfo=None)
        if self._clock_characteristic is None or not self._client.is_connected:
            return
        offset_s, zone_s = self._facts.clock_offset_s, self._zone_offset_s()
        if offset_s is not None and abs(offset_s - zone_s) <= CLOCK_TOLERANCE_S:
            return
        if self._clock_characteristic == current_time.CHARACTERISTIC:
            payload = current_time.encode(current_time.of(wanted))
        else:
            payload = date_time.encode(wanted)
        try:
            await self._client.write_gatt_char(self._clock_characteristic, payload, response=True)
        except Exception as exc:  # noqa: BLE001 -- a clock that cannot be set stays corrected
            log.info("clock_refused", device=self._name, error=type(exc).__name__)
            return
        await self.spool.seen(DeviceRecord(address=self.sighting.address, clock_offset_s=zone_s))

    async def _take_rest(self) -> None:
        """What arrived after we had stopped to listen; dated by the clock as it was."""
        while not self._values.empty():
            value = self._values.get_nowait()
            if value is not None and value.characteristic in _INDICATED:
                await self._keep_indicated(value)
            elif value is not None and value.characteristic == glucose_context.CHARACTERISTIC:
                await self._take_context(value)

    def _zone_offset_s(self) -> float:
        offset = self.clock().astimezone(self.settings.zone).utcoffset()
        return 0.0 if offset is None else offset.total_seconds()
