"""bleak's scanner on Bumble. Advertisement and scan response become one, as elsewhere."""

from __future__ import annotations

from typing import Any, ClassVar

from bleak.backends.scanner import (
    AdvertisementData,
    AdvertisementDataCallback,
    BaseBleakScanner,
)
from bleak.uuids import normalize_uuid_str
from bumble.core import UUID
from bumble.core import AdvertisingData as Ad

from gateway.radio.bumble_central import Central, address_of

_SERVICE_LISTS = (
    Ad.Type.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS,
    Ad.Type.INCOMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS,
    Ad.Type.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
    Ad.Type.INCOMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
)
_SERVICE_DATA = (Ad.Type.SERVICE_DATA_16_BIT_UUID, Ad.Type.SERVICE_DATA_128_BIT_UUID)
_NAMES = (Ad.Type.COMPLETE_LOCAL_NAME, Ad.Type.SHORTENED_LOCAL_NAME)


def uuid_text(uuid: UUID) -> str:
    """A UUID as bleak writes it: 128 bits, lower case."""
    return normalize_uuid_str(uuid.to_hex_str("-"))


class BumbleScanner(BaseBleakScanner):
    """A backend for `BleakScanner`; a subclass binds it to a central."""

    central: ClassVar[Central]

    def __init__(
        self,
        detection_callback: AdvertisementDataCallback | None,
        service_uuids: list[str] | None,
        scanning_mode: str = "active",
        **_: Any,
    ) -> None:
        super().__init__(detection_callback, service_uuids)
        self._active = scanning_mode != "passive"

    async def start(self) -> None:
        self.seen_devices = {}
        await self.central.start_scan(self._on_advertisement, active=self._active)

    async def stop(self) -> None:
        await self.central.stop_scan(self._on_advertisement)

    def _on_advertisement(self, report: Any) -> None:
        address = address_of(report.address)
        heard = _advertisement(report)
        if address in self.seen_devices:
            heard = _merged(self.seen_devices[address][1], heard)
        device = self.create_or_update_device(
            address, address, heard.local_name, {"address": report.address}, heard
        )
        if self.is_allowed_uuid(heard.service_uuids):
            self.call_detection_callbacks(device, heard)


def _all(data: Any, kinds: tuple[Any, ...]) -> list[Any]:
    return [item for kind in kinds for item in data.get_all(kind)]


def _advertisement(report: Any) -> AdvertisementData:
    data = report.data
    manufacturer = data.get_all(Ad.Type.MANUFACTURER_SPECIFIC_DATA)
    return AdvertisementData(
        local_name=next(iter(_all(data, _NAMES)), None),
        manufacturer_data={int(company): bytes(value) for company, value in manufacturer},
        service_data={uuid_text(u): bytes(value) for u, value in _all(data, _SERVICE_DATA)},
        service_uuids=[uuid_text(u) for uuids in _all(data, _SERVICE_LISTS) for u in uuids],
        tx_power=data.get(Ad.Type.TX_POWER_LEVEL),
        rssi=report.rssi,
        platform_data=(report,),
    )


def _merged(before: AdvertisementData, now: AdvertisementData) -> AdvertisementData:
    return now._replace(
        local_name=now.local_name or before.local_name,
        manufacturer_data=before.manufacturer_data | now.manufacturer_data,
        service_data=before.service_data | now.service_data,
        service_uuids=list(dict.fromkeys(before.service_uuids + now.service_uuids)),
        tx_power=before.tx_power if now.tx_power is None else now.tx_power,
    )
