"""The rules once more, written from their text and not from the engine: slow, plain, for one case.

It shares no code and no data file with `ccm_link`. Time is cut at every boundary that occurs, and
each bit of it is asked whether it counts. Where the text leaves a choice, `docs/billing.md` says
which was taken.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

ORDER = ["TCM", "RPM", "CCM", "PCM", "BHI"]
NEVER = {"face_to_face_em", "supervision_only", "billing_admin", "scheduling_only", "training"}
ELEMENTS = {"availability", "cost_sharing", "one_practitioner", "right_to_stop"}
CCM = {"99490", "99439", "99491", "99437", "99487", "99489"}
PCM = {"99424", "99425", "99426", "99427"}
RPM = {"99453", "99454", "99445", "99457", "99458", "99470"}
APCM = {"G0556", "G0557", "G0558"}
RTM = {str(n) for n in (*range(98975, 98982), *range(98984, 98987))}
ESRD = {str(n) for n in range(90951, 90971)}
BESIDE_APCM = CCM | PCM | APCM | {"99495", "99496", "99451", "99452"}
BESIDE_APCM |= {str(n) for n in (*range(99421, 99424), *range(98970, 98973), *range(99446, 99450))}
BESIDE_APCM |= {"G2250", "G2251", "G2252"}
PRICE = {"99490": 66.13, "99439": 50.00, "99491": 88.50, "99437": 63.13}

Case = dict[str, Any]
Refused = set[tuple[str, str]]


class SecondOpinion:
    """One case, judged; then `units` and `refused`."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.zone = ZoneInfo(case["practice_tz"])
        self.home = ZoneInfo(case.get("patient_tz") or case["practice_tz"])
        first = date.fromisoformat(f"{case['month']}-01")
        self.first, self.last = first, (first + timedelta(days=31)).replace(day=1) - _DAY
        self.begins, self.ends = self.midnight(first), self.midnight(self.last + _DAY)
        self.new = case["month"] >= "2026-01"
        self.units: dict[str, int] = {}
        self.refused: Refused = set()
        self.claims = [(c["code"], c["practitioner"]) for c in case.get("other_claims", [])]
        self.judge()

    def midnight(self, day: date) -> datetime:
        return datetime(day.year, day.month, day.day, tzinfo=self.zone).astimezone(UTC)

    def refuse(self, subject: str, reason: str) -> None:
        self.refused.add((subject, reason))

    def bill(self, code: str, units: int = 1) -> None:
        if units:
            self.units[code] = self.units.get(code, 0) + units

    def enrolment(self, programme: str) -> Case | None:
        mine = [e for e in self.case["enrollments"] if e["program"] == programme]
        who = self.case["billing_practitioner"]
        return min(mine, key=lambda e: (e["practitioner"] != who, e["practitioner"]), default=None)

    # Entries -----------------------------------------------------------------------------------

    def usable(self) -> list[Case]:
        good = []
        for entry in self.case["time_entries"]:
            start, end = entry.get("start"), entry.get("end")
            if start is None or end is None:
                self.refuse(entry["id"], "UNDOCUMENTED_TIME")
                continue
            began, ended = _at(start), _at(end)
            if began.tzinfo is None or ended.tzinfo is None:
                self.refuse(entry["id"], "NO_TIMEZONE")
            elif ended <= began:
                self.refuse(entry["id"], "INVALID_ENTRY")
            elif self.is_work(entry):
                good.append({**entry, "from": began.astimezone(UTC), "to": ended.astimezone(UTC)})
        good.sort(key=lambda e: (e["from"], e["to"], e["id"]))
        return self.without_doubles(good)

    def is_work(self, entry: Case) -> bool:
        fine = True
        unknown = entry["program"] in {"RPM", "CCM", "PCM"} and not self.enrolment(entry["program"])
        for wrong, reason in (
            (entry["role"] == "non_clinical", "NON_CLINICAL_STAFF"),
            (entry["activity"] in NEVER, "ACTIVITY_NOT_COUNTABLE"),
            (unknown, "NOT_ENROLLED"),
        ):
            if wrong:
                self.refuse(entry["id"], reason)
                fine = False
        return fine

    def without_doubles(self, entries: list[Case]) -> list[Case]:
        seen, kept = [], []
        for entry in entries:
            same = tuple(entry[k] for k in ("program", "staff", "role", "activity", "from", "to"))
            if same in seen:
                self.refuse(entry["id"], "DUPLICATE_ENTRY")
            else:
                seen.append(same)
                kept.append(entry)
        return kept

    def holes(self, entry: Case) -> list[tuple[datetime, datetime, str]]:
        """What may not count of an entry, and why."""
        found = [
            (
                _at(o["start"]).astimezone(UTC),
                _at(o["end"]).astimezone(UTC),
                "STAFF_BUSY_OTHER_PATIENT",
            )
            for o in self.case.get("staff_other_patient", [])
            if o["staff"] == entry["staff"]
        ]
        for stay in self.case.get("inpatient_stays", []):
            day = date.fromisoformat(stay["from"])
            until = date.fromisoformat(stay["to"]) + _DAY
            start, end = (
                datetime(d.year, d.month, d.day, tzinfo=self.home).astimezone(UTC)
                for d in (day, until)
            )
            found.append((start, end, "INPATIENT"))
        who = self.enrolment(entry["program"])
        if who and who.get("consent"):
            agreed = _at(who["consent"]["at"]).astimezone(UTC)
            found.append((self.begins, agreed, "TIME_BEFORE_CONSENT"))
        return found

    def clipped(self, entry: Case) -> list[tuple[datetime, datetime]]:
        start, end = max(entry["from"], self.begins), min(entry["to"], self.ends)
        if start >= end:
            self.refuse(entry["id"], "OUTSIDE_MONTH")
            return []
        if (start, end) != (entry["from"], entry["to"]):
            self.refuse(entry["id"], "SPLIT_AT_MONTH_BOUNDARY")
        pieces = [(start, end)]
        for gone_from, gone_to, reason in self.holes(entry):
            if max(start, gone_from) < min(end, gone_to):
                self.refuse(entry["id"], reason)
            pieces = [
                part
                for a, b in pieces
                for part in ((a, min(b, gone_from)), (max(a, gone_to), b))
                if part[0] < part[1]
            ]
        return pieces

    def share(self) -> dict[str, list[tuple[str, float]]]:
        """Per programme, who (roles) was at work in each bit of time, and how long it is."""
        entries = [{**e, "pieces": self.clipped(e)} for e in self.usable()]
        self.overlaps(entries)
        edges = sorted({edge for e in entries for piece in e["pieces"] for edge in piece})
        shared: dict[str, list[tuple[str, float]]] = {programme: [] for programme in ORDER}
        for start, end in pairwise(edges):
            here = [e for e in entries if any(a <= start and end <= b for a, b in e["pieces"])]
            if not here:
                continue
            keeps = min((e["program"] for e in here), key=ORDER.index)
            for entry in here:
                if entry["program"] != keeps:
                    self.refuse(entry["id"], "CROSS_PROGRAM_DOUBLE_COUNT")
            roles = "+".join(sorted({e["role"] for e in here if e["program"] == keeps}))
            shared[keeps].append((roles, (end - start).total_seconds()))
        self.worked = {
            (e["program"], e["role"])
            for e in entries
            if e["from"] < self.ends and e["to"] > self.begins
        }
        return shared

    def overlaps(self, entries: list[Case]) -> None:
        for n, later in enumerate(entries):
            for earlier in entries[:n]:
                meet = any(
                    max(a, c) < min(b, d) for a, b in earlier["pieces"] for c, d in later["pieces"]
                )
                if meet and earlier["program"] == later["program"]:
                    same = earlier["staff"] == later["staff"]
                    self.refuse(later["id"], f"OVERLAP_{'SAME' if same else 'TWO'}_STAFF")

    # Programmes --------------------------------------------------------------------------------

    def judge(self) -> None:
        self.time = self.share()
        self.apcm()
        self.g0506()
        open_ = {p: self.may_bill(p) for p in ("CCM", "PCM", "RPM")}
        if open_["CCM"]:
            self.ccm()
        self.g0511()
        pcm, ccm = self.enrolment("PCM"), self.enrolment("CCM")
        billed = set(self.units) & (CCM | {"G0511"})
        if pcm and ccm and billed and pcm["practitioner"] == ccm["practitioner"]:
            self.refuse("PCM", "PCM_CCM_SAME_PRACTITIONER")
        elif open_["PCM"]:
            self.pcm()
        self.readings()
        if open_["RPM"]:
            self.management()
            self.devices()
            self.setup()

    def may_bill(self, programme: str) -> bool:
        who = self.enrolment(programme)
        if who is None:
            return False
        before = len(self.refused)
        consent = who.get("consent")
        if not consent or _at(consent["at"]) >= self.ends:
            self.refuse(programme, "NO_CONSENT")
        elif programme != "RPM" and not set(consent.get("elements", [])) >= ELEMENTS:
            self.refuse(programme, "CONSENT_INCOMPLETE")
        if programme != "RPM":
            self.plan_gates(programme, who)
        elif not (self.case.get("rpm") or {}).get("established_patient", True):
            self.refuse("RPM", "NOT_ESTABLISHED_PATIENT")
        self.conflicts(programme, who["practitioner"])
        return len(self.refused) == before

    def plan_gates(self, programme: str, who: Case) -> None:
        enough = {
            "CCM": who.get("qualifying_conditions", 0) >= 2,
            "PCM": who.get("high_risk_condition", False),
        }[programme]
        visited = who.get("initiating_visit") and who["initiating_visit"] <= str(self.last)
        for good, reason in (
            (enough, "CONDITIONS_INSUFFICIENT"),
            (who.get("care_plan"), "NO_CARE_PLAN"),
            (who.get("access_24_7", True), "NO_24_7_ACCESS"),
            (not who.get("new_or_not_seen_12m") or visited, "NO_INITIATING_VISIT"),
            (not set(self.units) & APCM, "APCM_EXCLUDES_CCM_PCM"),
        ):
            if not good:
                self.refuse(programme, reason)

    def conflicts(self, programme: str, by: str) -> None:
        own = {"CCM": CCM, "PCM": PCM, "RPM": RPM}[programme]
        for code, whose in self.claims:
            if code in own and whose != by:
                self.refuse(programme, "OTHER_PRACTITIONER_BILLED")
            if code in own and whose == by and programme != "RPM":
                self.refuse(programme, "CONCURRENT_CODE_CONFLICT")
            if programme == "CCM" and whose == by and code in PCM | ESRD | {"G0181", "G0182"}:
                self.refuse("CCM", "CONCURRENT_CODE_CONFLICT")
            if programme == "PCM" and whose == by and code in CCM:
                self.refuse("PCM", "PCM_CCM_SAME_PRACTITIONER")
            if programme != "RPM" and code in APCM:
                self.refuse(programme, "CONCURRENT_CODE_CONFLICT")
            if programme == "RPM" and code in RTM:
                self.refuse("RPM", "CONCURRENT_CODE_CONFLICT")

    def seconds(self, programme: str, *roles: str) -> float:
        bits = self.time[programme]
        return sum(length for who, length in bits if set(who.split("+")) & set(roles))

    def cap(self, code: str, plain: int) -> int:
        found: int = self.case.get("policy", {}).get("caps", {}).get(code, plain)
        return found

    def stack(
        self, have: float, first: int, step: int, addon: str, most: int
    ) -> tuple[int, int, bool]:
        """Units of the first code, of the further one, and whether a cap cut something off."""
        if have < first:
            return 0, 0, False
        steps, cap = int((have - first) // step), self.cap(addon, most)
        return 1, min(steps, cap), steps > cap

    def short(self, code: str, programme: str, have: float, need: int, *roles: str) -> None:
        if have < need and any((programme, role) in self.worked for role in roles):
            self.refuse(code, "TIME_BELOW_THRESHOLD")

    def ccm(self) -> None:
        who = self.enrolment("CCM") or {}
        staff_roles = ["clinical_staff"]
        if self.case.get("policy", {}).get("qhp_time_counts_as_staff"):
            staff_roles.append("qhp")
        staff, doctor = self.seconds("CCM", *staff_roles), self.seconds("CCM", "qhp")
        self.short("99490", "CCM", staff, 1200, *staff_roles)
        self.short("99491", "CCM", doctor, 1800, "qhp")
        found = {
            "99490": ("99439", self.stack(staff, 1200, 1200, "99439", 2)),
            "99491": ("99437", self.stack(doctor, 1800, 1800, "99437", 2)),
        }
        if who.get("complex_mdm"):
            self.short("99487", "CCM", staff, 3600, *staff_roles)
            found["99487"] = ("99489", self.stack(staff, 3600, 1800, "99489", 10))
        elif staff >= 3600:
            self.refuse("99487", "COMPLEX_MDM_NOT_DOCUMENTED")
        met = {code: (addon, n) for code, (addon, n) in found.items() if n[0]}
        if not met:
            return
        chosen = (
            "99487"
            if "99487" in met
            else max(met, key=lambda c: PRICE[c] + met[c][1][1] * PRICE[met[c][0]])
        )
        self.choose(chosen, met)

    def choose(self, chosen: str, met: dict[str, tuple[str, tuple[int, int, bool]]]) -> None:
        for code in met.keys() - {chosen}:
            self.refuse(code, "MUTUALLY_EXCLUSIVE_ALTERNATIVE")
        addon, (first, more, capped) = met[chosen]
        self.bill(chosen, first)
        self.bill(addon, more)
        if capped:
            self.refuse(addon, "ADDON_MAX_UNITS")

    def pcm(self) -> None:
        doctor, staff = self.seconds("PCM", "qhp"), self.seconds("PCM", "clinical_staff")
        self.short("99424", "PCM", doctor, 1800, "qhp")
        self.short("99426", "PCM", staff, 1800, "clinical_staff")
        found = {
            "99424": ("99425", self.stack(doctor, 1800, 1800, "99425", 2)),
            "99426": ("99427", self.stack(staff, 1800, 1800, "99427", 2)),
        }
        met = {code: one for code, one in found.items() if one[1][0]}
        if met:
            self.choose("99424" if "99424" in met else "99426", met)

    # Codes without minutes ---------------------------------------------------------------------

    def apcm(self) -> None:
        ccm = self.enrolment("CCM")
        against = any(code in BESIDE_APCM for code, _ in self.claims)
        for code in sorted(set(self.case.get("apcm", [])), reverse=True):
            if against or set(self.units) & APCM:
                self.refuse(code, "CONCURRENT_CODE_CONFLICT")
            elif code != "G0556" and ccm and ccm.get("qualifying_conditions", 0) < 2:
                self.refuse(code, "CONDITIONS_INSUFFICIENT")
            else:
                self.bill(code)

    def g0506(self) -> None:
        asked = self.case.get("g0506")
        if asked is None:
            return
        before = len(self.refused)
        for good, reason in (
            (not asked.get("already_billed"), "ONCE_PER_INITIATION"),
            (not any(code == "G0506" for code, _ in self.claims), "ONCE_PER_INITIATION"),
            (asked.get("with_initiating_visit"), "NO_INITIATING_VISIT"),
            (asked.get("personally_by_billing_practitioner"), "NOT_PERSONALLY_PERFORMED"),
            (self.enrolment("CCM"), "NOT_ENROLLED"),
        ):
            if not good:
                self.refuse("G0506", reason)
        self.bill("G0506", int(len(self.refused) == before))

    def g0511(self) -> None:
        if not self.case.get("request_g0511"):
            return
        if self.case["month"] >= "2025-10":
            self.refuse("G0511", "CODE_RETIRED")
        elif set(self.units) & CCM:
            self.units = {code: n for code, n in self.units.items() if code not in CCM}
            self.bill("G0511")

    # Monitoring --------------------------------------------------------------------------------

    def management(self) -> None:
        rpm = self.case.get("rpm") or {}
        have = self.seconds("RPM", "qhp", "clinical_staff")
        talked = any(self.begins <= _at(t) < self.ends for t in rpm.get("interactive", []))
        if have and not talked:
            self.refuse("99457", "NO_INTERACTIVE_COMMUNICATION")
        self.short("99457", "RPM", have, 1200, "qhp", "clinical_staff")
        if self.new:
            self.short("99470", "RPM", have, 600, "qhp", "clinical_staff")
        code = "99457" if have >= 1200 else "99470" if self.new and have >= 600 else None
        taken = any(c in {"99457", "99458", "99470", "99091"} for c, _ in self.claims)
        if code and taken:
            self.refuse(code, "CONCURRENT_CODE_CONFLICT")
        elif code and talked:
            first, more, capped = self.stack(have, 600, 10**9, "-", 0)
            if code == "99457":
                first, more, capped = self.stack(have, 1200, 1200, "99458", 2)
            self.bill(code, first)
            self.bill("99458", more)
            if capped:
                self.refuse("99458", "ADDON_MAX_UNITS")
        self.own_review(rpm.get("qhp_interpretation_seconds", 0), taken=taken)

    def own_review(self, spent: int, *, taken: bool) -> None:
        if not spent:
            return
        if spent < 1800:
            self.refuse("99091", "TIME_BELOW_THRESHOLD")
        if taken or set(self.units) & {"99457", "99458", "99470"}:
            self.refuse("99091", "CONCURRENT_CODE_CONFLICT")
        elif spent >= 1800:
            self.bill("99091")

    def days(self) -> set[date]:
        rpm = self.case.get("rpm") or {}
        told = {date.fromisoformat(day) for day in rpm.get("reading_days", [])}
        return told | {
            _at(r["at"]).astimezone(self.home).date()
            for r in rpm.get("readings", [])
            if not r.get("manual")
        }

    def periods(self) -> list[date]:
        """First days; one that begins inside the period before is none."""
        kept: list[date] = []
        for text in sorted(set((self.case.get("rpm") or {}).get("period_starts", []))):
            day = date.fromisoformat(text)
            if not kept or day >= kept[-1] + timedelta(days=30):
                kept.append(day)
        return kept

    def readings(self) -> None:
        if self.enrolment("RPM") is None:
            return
        for reading in (self.case.get("rpm") or {}).get("readings", []):
            if reading.get("manual"):
                self.refuse(reading["at"], "MANUAL_READING")
        for first in self.periods():
            if not self.first <= first + timedelta(days=29) <= self.last:
                self.refuse(str(first), "PERIOD_ENDS_OTHER_MONTH")

    def devices(self) -> None:
        rpm = self.case.get("rpm") or {}
        taken = any(code in {"99454", "99445"} for code, _ in self.claims)
        for first in self.periods():
            if not self.first <= first + timedelta(days=29) <= self.last:
                continue
            if not rpm.get("fda_device", True):
                self.refuse("99454", "DEVICE_NOT_FDA_DEFINED")
                continue
            count = len([d for d in self.days() if first <= d < first + timedelta(days=30)])
            code = "99454" if count >= 16 else "99445" if self.new and count >= 2 else None
            if count < 16:
                self.refuse("99454", "DAYS_BELOW_16")
            if count < 2 and self.new:
                self.refuse("99445", "DAYS_BELOW_2")
            if code and taken:
                self.refuse(code, "CONCURRENT_CODE_CONFLICT")
            elif code:
                self.bill(code)

    def setup(self) -> None:
        rpm = self.case.get("rpm") or {}
        setup = rpm.get("setup")
        if not setup or setup["date"] > str(self.last):
            return
        claimed = any(code == "99453" for code, _ in self.claims)
        if setup.get("already_billed_this_episode") or claimed:
            self.refuse("99453", "ONCE_PER_EPISODE")
        elif not rpm.get("fda_device", True):
            self.refuse("99453", "DEVICE_NOT_FDA_DEFINED")
        else:
            day = self.first_enough(date.fromisoformat(setup["date"]))
            if day is None or day > self.last:
                self.refuse("99453", "DAYS_BELOW_2" if self.new else "DAYS_BELOW_16")
            elif day >= self.first:
                self.bill("99453")

    def first_enough(self, done: date) -> date | None:
        """Day by day: 16 days of readings until 2025, two from 2026, within one period."""
        starts = (self.case.get("rpm") or {}).get("period_starts", [])
        for offset in range(800):
            today = done + timedelta(days=offset)
            need = 2 if today >= date(2026, 1, 1) else 16
            for first in {done, *map(date.fromisoformat, starts)}:
                inside = [d for d in self.days() if first <= d <= today]
                begun = done <= first <= today < first + timedelta(days=30)
                if begun and len(inside) >= need:
                    return today
        return None


_DAY = timedelta(days=1)


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)
