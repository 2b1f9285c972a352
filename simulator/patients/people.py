"""Who the demo's patients are: a table. Names, numbers and telephones belong to nobody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

EAST, CENTRAL, WEST = "America/New_York", "America/Chicago", "America/Los_Angeles"

HYPERTENSION = "Hypertension"
DIABETES = "Type 2 diabetes"
HEART_FAILURE = "Heart failure"
KIDNEY = "Chronic kidney disease"
COPD = "COPD"
FIBRILLATION = "Atrial fibrillation"

ALL_ELEMENTS = ("availability", "cost_sharing", "one_practitioner", "right_to_stop")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressure:
    """Usual morning values; evenings are a little lower."""

    systolic: int
    diastolic: int
    pulse: int
    rise_mmhg: int = 0  # by how much it has crept up over the last three weeks


@dataclass(frozen=True, slots=True, kw_only=True)
class Glucose:
    """Usual values in mg/dL."""

    fasting: int
    after_meals: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """Usual weight, and by how much it has crept up over the last two weeks."""

    kg: float
    creep_kg: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """In one programme; `elements` is what was consented to, None: nobody asked."""

    programme: str
    elements: tuple[str, ...] | None = ALL_ELEMENTS


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnLimit:
    """A limit of this patient's own, where the usual is beyond the default."""

    rule: str
    value: float
    ucum: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One patient. `slot` is theirs on the devices that the home shares."""

    number: int
    given: str
    family: str
    born: date
    sex: str
    conditions: tuple[str, ...]
    enrolments: tuple[Enrolment, ...] = ()
    zone: str = EAST
    home: int = 0
    slot: int = 1
    adherence: float = 0.9  # of the agreed measurements
    pressure: Pressure | None = None
    glucose: Glucose | None = None
    weight: Weight | None = None
    limits: tuple[OwnLimit, ...] = ()
    care_note: str = ""

    @property
    def key(self) -> str:
        return f"DEMO-{self.number:03}"

    @property
    def phone(self) -> str:
        """Of the range that is kept for fiction."""
        return f"+1 212 555 01{self.number:02}"


CCM = Enrolment(programme="CCM")
CCM_UNASKED = Enrolment(programme="CCM", elements=None)
CCM_HALF = Enrolment(programme="CCM", elements=ALL_ELEMENTS[:2])
RPM = Enrolment(programme="RPM")
RPM_UNASKED = Enrolment(programme="RPM", elements=None)
BOTH = (CCM, RPM)


def _person(number: int, name: str, born: date, sex: str, **facts: object) -> Person:
    given, _, family = name.rpartition(" ")
    settled = {"home": number, **facts}
    return Person(number=number, given=given, family=family, born=born, sex=sex, **settled)  # type: ignore[arg-type]  # the table below is the check


def _bp(systolic: int, diastolic: int, pulse: int, rise: int = 0) -> Pressure:
    return Pressure(systolic=systolic, diastolic=diastolic, pulse=pulse, rise_mmhg=rise)


def _sugar(fasting: int, after_meals: int) -> Glucose:
    return Glucose(fasting=fasting, after_meals=after_meals)


def _kg(kg: float, creep: float = 0.0) -> Weight:
    return Weight(kg=kg, creep_kg=creep)


PEOPLE: tuple[Person, ...] = (
    _person(
        1, "Synthia Testperson", date(1951, 3, 14), "female",
        conditions=(HYPERTENSION, DIABETES), enrolments=BOTH,
        pressure=_bp(126, 77, 70), glucose=_sugar(112, 150), weight=_kg(81.0),
    ),
    _person(
        2, "Demo Ada Fixture", date(1947, 11, 2), "female",
        conditions=(HYPERTENSION, KIDNEY), enrolments=BOTH, pressure=_bp(127, 78, 74),
        care_note="Lisinopril raised in spring. Lives with her sister, who helps with the cuff.",
    ),
    _person(
        3, "Mocky Exampleton", date(1949, 7, 21), "male",
        conditions=(DIABETES, KIDNEY), enrolments=BOTH,
        care_note="On glipizide. Keeps juice by the bed; his neighbour has a key.",
        glucose=_sugar(106, 147), weight=_kg(88.4),
    ),
    _person(
        4, "Testa Placeholder", date(1958, 1, 30), "female", zone=CENTRAL,
        conditions=(DIABETES, HYPERTENSION), enrolments=BOTH,
        pressure=_bp(122, 75, 72), glucose=_sugar(118, 156),
    ),
    _person(
        5, "Fauxton Sample", date(1944, 9, 9), "male",
        conditions=(HEART_FAILURE, HYPERTENSION), enrolments=BOTH,
        care_note="Weighs himself before breakfast. Furosemide may be doubled if asked.",
        pressure=_bp(119, 72, 66), weight=_kg(92.5, 1.7),
    ),
    _person(
        6, "Sampleina Demofield", date(1955, 5, 17), "female",
        conditions=(HYPERTENSION, DIABETES), enrolments=BOTH,
        pressure=_bp(119, 73, 71, 9), glucose=_sugar(108, 148),
    ),
    _person(
        7, "Placebo Pete Specimen", date(1950, 12, 5), "male", adherence=0.8,
        conditions=(HYPERTENSION, COPD), enrolments=BOTH, pressure=_bp(124, 74, 78),
    ),
    _person(
        8, "Fictiva Mockridge", date(1946, 4, 26), "female",
        conditions=(FIBRILLATION, HEART_FAILURE), enrolments=BOTH,
        pressure=_bp(118, 71, 64), weight=_kg(64.2),
    ),
    _person(
        9, "Dummy Dora Standin", date(1953, 8, 8), "female", zone=WEST,
        conditions=(HYPERTENSION, DIABETES), enrolments=BOTH,
        pressure=_bp(125, 77, 69), glucose=_sugar(110, 149),
    ),
    _person(
        10, "Example Earl Testwell", date(1957, 2, 11), "male",
        conditions=(HYPERTENSION,), enrolments=BOTH, pressure=_bp(123, 76, 73),
    ),
    _person(
        11, "Trial Tina Fakename", date(1948, 10, 19), "female",
        conditions=(DIABETES, HYPERTENSION), enrolments=(CCM_UNASKED, RPM),
        pressure=_bp(121, 74, 75), glucose=_sugar(104, 144),
    ),
    _person(
        12, "Sandbox Sam Notreal", date(1941, 6, 1), "male",
        conditions=(HYPERTENSION, KIDNEY), enrolments=(CCM_HALF,), pressure=_bp(147, 84, 68),
        limits=(
            OwnLimit(
                rule="systolic.high", value=165, ucum="mm[Hg]",
                reason="Usually near 150; the provider accepts up to 165",
            ),
            OwnLimit(
                rule="diastolic.high", value=100, ucum="mm[Hg]",
                reason="Goes with the systolic limit",
            ),
        ),
    ),
    _person(
        13, "Proto Paula Madeup", date(1956, 3, 3), "female", home=13, slot=1,
        conditions=(HEART_FAILURE,), enrolments=(RPM,),
        pressure=_bp(117, 72, 70), weight=_kg(68.3),
    ),
    _person(
        14, "Proto Paul Madeup", date(1952, 9, 27), "male", home=13, slot=2,
        conditions=(HYPERTENSION,), enrolments=(RPM,),
        pressure=_bp(126, 78, 67), weight=_kg(84.6),
    ),
    _person(
        15, "Stub Stella Simulated", date(1960, 7, 12), "female",
        conditions=(HYPERTENSION,), enrolments=(RPM,), pressure=_bp(120, 75, 76),
    ),
    _person(
        16, "Virtua Testman", date(1959, 1, 6), "male", zone=CENTRAL,
        conditions=(DIABETES,), enrolments=(RPM,), glucose=_sugar(115, 152), weight=_kg(97.1),
    ),
    _person(
        17, "Demo Dan Imaginary", date(1962, 11, 23), "male", adherence=0.75,
        conditions=(HYPERTENSION,), enrolments=(RPM,), pressure=_bp(125, 78, 72),
    ),
    _person(
        18, "Invented Ines Sample", date(1945, 5, 5), "female",
        conditions=(HYPERTENSION,), enrolments=(RPM,), pressure=_bp(112, 70, 77),
    ),
    _person(
        19, "Pretend Percy Placebo", date(1954, 12, 18), "male", adherence=0.45,
        conditions=(DIABETES,), enrolments=(RPM,), glucose=_sugar(103, 143),
    ),
    _person(
        20, "Artificia Demovan", date(1961, 8, 29), "female",
        conditions=(DIABETES,), enrolments=(RPM_UNASKED,), glucose=_sugar(119, 157),
    ),
    _person(
        21, "Fixture Frank Mockwell", date(1963, 2, 2), "male",
        conditions=(HYPERTENSION,), pressure=_bp(124, 76, 74),
    ),
    _person(
        22, "Nonesuch Nora Example", date(1950, 4, 15), "female",
        conditions=(DIABETES,), glucose=_sugar(140, 188),
        limits=(
            OwnLimit(
                rule="glucose.high", value=230, ucum="mg/dL",
                reason="Frail: tight control would do harm",
            ),
        ),
    ),
    _person(
        23, "Synthetic Sid Stubson", date(1949, 10, 10), "male", adherence=0.6,
        conditions=(HYPERTENSION, HEART_FAILURE), pressure=_bp(121, 73, 71), weight=_kg(79.9),
    ),
    _person(
        24, "Madeup Mia Testerly", date(1966, 6, 24), "female",
        conditions=(HYPERTENSION,), pressure=_bp(116, 72, 52),
        limits=(
            OwnLimit(
                rule="pulse.low", value=40, ucum="/min",
                reason="Trains for long runs; slow at rest all her life",
            ),
        ),
    ),
    _person(
        25, "Unreal Una Fixture", date(1943, 1, 1), "female", zone=CENTRAL,
        conditions=(HYPERTENSION,), pressure=_bp(127, 76, 73),
    ),
)  # fmt: skip
