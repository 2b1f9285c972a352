"""The quirk table: one row per product family, with the places where its behaviour was seen.

Facts only, out of public issue threads, captures and makers' documents; nobody's code. A row says
what differs from the standard services; what is the same for all is not repeated. The more
particular rows stand first: at equal evidence the earlier one wins.
"""

from __future__ import annotations

from devices.quirk_types import Pairing, Quirks, Sign, Support
from devices.uuids import (
    BLOOD_PRESSURE_SERVICE,
    BODY_COMPOSITION_SERVICE,
    GLUCOSE_SERVICE,
    HEALTH_THERMOMETER_SERVICE,
    HEART_RATE_SERVICE,
    PULSE_OXIMETER_SERVICE,
    USER_DATA_SERVICE,
    WEIGHT_SCALE_SERVICE,
    short,
)
from vitals.reading import Kind

_CUFF = frozenset({BLOOD_PRESSURE_SERVICE})
_METER = frozenset({GLUCOSE_SERVICE})
_SCALE = frozenset({WEIGHT_SCALE_SERVICE, BODY_COMPOSITION_SERVICE, USER_DATA_SERVICE})
_SCALE_KINDS = (Kind.WEIGHT, Kind.BODY_COMPOSITION)
_WEIGHT, _COMPOSITION = short(0x2A9D), short(0x2A9C)
_PRESSURE = short(0x2A35)

#: A device that nobody has a row for.
STANDARD = Quirks(
    family="standard",
    label="Any device with standard health services",
    kinds=tuple(kind for kind in Kind if kind is not Kind.UNDECODED),
)

FAMILIES: tuple[Quirks, ...] = (
    Quirks(
        family="and-cuff",
        label="A&D UA-651BLE, UA-651CNBLE, UB-1100BLE",
        kinds=(Kind.BLOOD_PRESSURE,),
        signs=(
            Sign(name=r"(A&D_)?U[AB]-?(651|1100)"),
            Sign(model=r"U[AB]-?(651|1100)"),
        ),
        services=_CUFF,
        subscribe=(_PRESSURE,),
        discover_all=False,
        brief=True,
        hangs_up=True,
        simulated=True,
        note=(
            "Switches itself off with E10 when a stack walks through all of its services. Its "
            "clock is Date Time (0x2A08) in its Blood Pressure Service. The first bond may need "
            "the maker's app, which can be removed afterwards."
        ),
        sources=(
            "https://github.com/andengineering/AndroidSampleCode/issues/1",
            "https://github.com/derdilla/blood-pressure-monitor-fl/issues/724",
            "https://github.com/bluez/bluez/issues/636",
            "https://github.com/weliem/blessed-bluez/issues/26",
        ),
    ),
    Quirks(
        family="and-scale",
        label="A&D UC-352BLE",
        kinds=(Kind.WEIGHT,),
        signs=(Sign(name=r"(A&D_)?UC-?352"), Sign(model=r"UC-?352")),
        services=_SCALE,
        subscribe=(_WEIGHT,),
        discover_all=False,
        brief=True,
        hangs_up=True,
        simulated=True,
        note="Expected to behave as the maker's cuffs.",
        sources=("https://github.com/andengineering/AndroidSampleCode/issues/3",),
    ),
    Quirks(
        family="and-uc-450",
        label="A&D UC-450BLE",
        support=Support.NOT_SUPPORTED,
        signs=(Sign(model=r"UC-?450"), Sign(name=r"(A&D_)?UC-?450")),
        note="A protocol of its own (Lifesense A602).",
        sources=("https://github.com/KristianP26/ble-scale-sync/pull/316",),
    ),
    Quirks(
        family="and-thermometer",
        label="A&D UT-201BLE",
        kinds=(Kind.TEMPERATURE,),
        signs=(Sign(name=r"(A&D_)?UT-?201"), Sign(model=r"UT-?201")),
        services=frozenset({HEALTH_THERMOMETER_SERVICE}),
        brief=True,
        hangs_up=True,
        simulated=True,
        note="Health Thermometer Service; expected to behave as the maker's cuffs.",
    ),
    Quirks(
        family="omron-cuff",
        label="Omron with the Blood Pressure Service (BP5150, BP5465, X2 Smart+, Evolv, …)",
        kinds=(Kind.BLOOD_PRESSURE,),
        support=Support.PARTLY,
        signs=(
            Sign(name=r"BLEsmart_"),
            Sign(manufacturer=r"OMRON"),
            Sign(model=r"(HEM-|BP\d{4})"),
        ),
        services=_CUFF,
        subscribe=(_PRESSURE,),
        pairing=Pairing.JUST_WORKS,
        brief=True,
        forgets_bond=True,
        sends_again=True,
        simulated=True,
        note=(
            "To be bonded by an agent while a P blinks. Older history is proprietary. Models that "
            "advertise only 0xFE4A (X2+ Connect, HEM-7188T1) have no "
            "Blood Pressure Service to read."
        ),
        sources=(
            "https://github.com/userx14/omblepy/issues/12",
            "https://github.com/userx14/omblepy/issues/18",
            "https://github.com/eigger/hass-omron/issues/91",
            "https://github.com/eigger/hass-omron/issues/7",
            "https://github.com/derdilla/blood-pressure-monitor-fl/pull/659",
            "https://github.com/derdilla/blood-pressure-monitor-fl/issues/673",
        ),
    ),
    Quirks(
        family="accu-chek",
        label="Accu-Chek Guide, Guide Me, Aviva Connect",
        kinds=(Kind.GLUCOSE,),
        signs=(
            Sign(name=r"meter\+"),
            Sign(name=r"Accu-?Chek"),
            Sign(manufacturer=r"Roche"),
        ),
        services=_METER,
        pairing=Pairing.PASSKEY,
        sends_again=True,
        captures=("glu-accuchek-guide-6.2", "glu-120"),
        simulated=True,
        note=(
            "Connected is not yet paired: it answers only once the six digits that it shows are "
            "given. Sends kg/L whatever it shows, and base time plus time offset: neither alone "
            "is what its display said."
        ),
        sources=(
            "https://github.com/innoveit/react-native-ble-manager/issues/1162",
            "https://github.com/dotintent/react-native-ble-plx/issues/652",
            "https://github.com/NightscoutFoundation/xDrip/issues/208",
        ),
    ),
    Quirks(
        family="accu-chek-instant",
        label="Accu-Chek Instant",
        kinds=(Kind.GLUCOSE,),
        signs=(Sign(name=r"Accu-?Chek Instant"), Sign(model=r"(Accu-?Chek )?Instant")),
        services=_METER,
        pairing=Pairing.PASSKEY_ON_LABEL,
        hangs_up=True,
        sends_again=True,
        note=(
            "Its display cannot show six digits: they are on its back. Ends the link when it is "
            "asked before it is bonded. Advertises as the other meters of its maker do (meter+…), "
            "so the first time it is taken for one of them."
        ),
        sources=("https://github.com/weliem/blessed-android/issues/35",),
    ),
    Quirks(
        family="contour",
        label="Contour Next One, Contour Plus One",
        kinds=(Kind.GLUCOSE,),
        signs=(
            Sign(name=r"Contour"),
            Sign(manufacturer=r"(Ascensia|Bayer)"),
        ),
        services=_METER,
        sends_again=True,
        forgets_bond=True,
        simulated=True,
        note=(
            "Its whole history comes again when it is asked without a sequence number. It was the "
            "Plus One that needed a new bond."
        ),
        sources=(
            "https://github.com/NightscoutFoundation/xDrip/issues/138",
            "https://github.com/NightscoutFoundation/xDrip/issues/762",
            "https://github.com/NightscoutFoundation/xDrip/issues/790",
            "https://github.com/NightscoutFoundation/xDrip/issues/1076",
        ),
    ),
    Quirks(
        family="onetouch-verio",
        label="OneTouch Verio Flex, Verio Reflect",
        support=Support.NOT_SUPPORTED,
        signs=(Sign(manufacturer=r"LifeScan"), Sign(name=r"OneTouch")),
        note="A protocol of its own.",
        sources=("https://github.com/NightscoutFoundation/xDrip/issues/1361",),
    ),
    Quirks(
        family="beurer-cuff",
        label="Beurer BM 85",
        kinds=(Kind.BLOOD_PRESSURE,),
        signs=(Sign(name=r"(Beurer )?BM ?85"), Sign(model=r"BM ?85")),
        services=_CUFF,
        subscribe=(_PRESSURE,),
        frame="beurer-swapped",
        brief=True,
        captures=("bp-beurer-bm85-1", "bp-beurer-bm85-3"),
        simulated=True,
        note=(
            "Pulse and status are big-endian among little-endian pressures, a user byte is sent "
            "without its flag, the mean pressure is always 0."
        ),
        sources=(
            "https://github.com/derdilla/blood-pressure-monitor-fl/pull/735",
            "https://github.com/derdilla/blood-pressure-monitor-fl/pull/737",
        ),
    ),
    Quirks(
        family="sanitas-cuff",
        label="Sanitas SBM 69",
        kinds=(Kind.BLOOD_PRESSURE,),
        signs=(Sign(name=r"(Sanitas )?SBM ?69"), Sign(model=r"SBM ?69")),
        services=_CUFF,
        subscribe=(_PRESSURE,),
        pairing=Pairing.PASSKEY,
        brief=True,
        note="Shows another code each time that it is bonded.",
        sources=("https://github.com/1technophile/OpenMQTTGateway/issues/806",),
    ),
    Quirks(
        family="beurer-scale",
        label="Beurer BF 105, BF 600, BF 720, BF 788 and their Sanitas twins (SBF)",
        kinds=_SCALE_KINDS,
        signs=(
            Sign(name=r"(Beurer )?S?BF ?\d{2,3}"),
            Sign(manufacturer=r"Beurer", model=r"S?BF"),
        ),
        services=_SCALE,
        subscribe=(_WEIGHT, _COMPOSITION),
        needs_consent=True,
        captures=(
            "wt-beurer-bf600-61.37",
            "wt-beurer-bf720",
            "bc-beurer-bf105",
            "bc-beurer-bf720",
            "bc-beurer-bf788-zeroed",
            "cts-beurer-write",
        ),
        simulated=True,
        note=(
            "New batteries wipe slots and PINs. The BF 788 sends compositions of zeros where it "
            "measured none: they are no measurement. Composition has no time and no user: it "
            "belongs to the weight before it."
        ),
        sources=(
            "https://github.com/oliexdev/openScale/issues/219",
            "https://github.com/oliexdev/openScale/issues/635",
            "https://github.com/KristianP26/ble-scale-sync/issues/168",
            "https://github.com/KristianP26/ble-scale-sync/issues/229",
        ),
    ),
    Quirks(
        family="xiaomi-scale-2",
        label="Xiaomi Mi Body Composition Scale 2 (MIBFS), Mi Body Composition Scale (MIBCS)",
        kinds=(Kind.WEIGHT,),
        signs=(
            Sign(name=r"MIB[CF]S"),
            Sign(service_data=BODY_COMPOSITION_SERVICE),
        ),
        advert_only=True,
        pairing=Pairing.NONE,
        set_clock=False,
        frame="xiaomi-2A9C",
        captures=("adv-xiaomi-181b", "bc-xiaomi-miscale2-nostd"),
        simulated=True,
        note=(
            "Read from its advertisements (service data 0x181B); unstable frames are ignored. Its "
            "0x2A9C is not that of the Bluetooth SIG. Advertises one weighing many times: the "
            "time in it tells two apart."
        ),
        sources=(
            "https://github.com/oliexdev/openScale/issues/392",
            "https://github.com/lolouk44/hassio-addons/issues/14",
            "https://github.com/esphome/feature-requests/issues/1944",
        ),
    ),
    Quirks(
        family="xiaomi-scale",
        label="Xiaomi Mi Smart Scale, Mi Smart Scale 2",
        kinds=(Kind.WEIGHT,),
        signs=(
            Sign(name=r"MI[_ ]SCALE"),
            Sign(service_data=WEIGHT_SCALE_SERVICE),
        ),
        advert_only=True,
        pairing=Pairing.NONE,
        set_clock=False,
        captures=(
            "adv-xiaomi-v1-85.15",
            "adv-xiaomi-v1-4.95-removed",
            "adv-xiaomi-v1-127.1",
        ),
        simulated=True,
        note=(
            "Read from its advertisements (service data 0x181D); unstable frames and those after "
            "stepping off are ignored."
        ),
        sources=(
            "https://github.com/custom-components/ble_monitor/issues/292",
            "https://github.com/sputnikdev/eclipse-smarthome-bluetooth-binding/issues/42",
            "https://github.com/esphome/feature-requests/issues/1944",
        ),
    ),
    Quirks(
        family="nonin",
        label="Nonin 3230 and other oximeters with the Pulse Oximeter Service",
        kinds=(Kind.PULSE_OXIMETRY,),
        signs=(Sign(name=r"Nonin"), Sign(manufacturer=r"Nonin")),
        services=frozenset({PULSE_OXIMETER_SERVICE}),
        brief=True,
        simulated=True,
        note="Expected to work by its standard service alone.",
    ),
    Quirks(
        family="polar",
        label="Polar H9, H10 and other straps with the Heart Rate Service",
        kinds=(Kind.HEART_RATE,),
        signs=(Sign(name=r"Polar H\d"), Sign(manufacturer=r"Polar")),
        services=frozenset({HEART_RATE_SERVICE}),
        pairing=Pairing.NONE,
        set_clock=False,
        simulated=True,
        note="A value a second for as long as it is worn.",
    ),
    Quirks(
        family="ihealth",
        label="iHealth cuffs, meters and scales",
        support=Support.NOT_SUPPORTED,
        signs=(Sign(manufacturer=r"iHealth"), Sign(name=r"(iHealth|KN-550BT)")),
        note="A protocol of its own.",
    ),
)
