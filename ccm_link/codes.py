"""The closed sets that billing speaks in: programmes, roles, and why something does not bill.

A reason is a contract with whoever reads the result: add one, never re-use one.
"""

from __future__ import annotations

from enum import StrEnum


class Programme(StrEnum):
    """Whose minutes. In the order in which one that is logged twice is kept (I7)."""

    TCM = "TCM"  # transitional care; evaluated only for the minutes that it takes
    RPM = "RPM"  # remote physiologic monitoring
    CCM = "CCM"  # chronic care management
    PCM = "PCM"  # principal care management
    BHI = "BHI"  # behavioural health integration; only for the minutes that it loses


class Role(StrEnum):
    """In what capacity somebody worked."""

    CLINICAL_STAFF = "clinical_staff"
    QHP = "qhp"  # physician or other qualified health professional, personally
    NON_CLINICAL = "non_clinical"


class Reason(StrEnum):
    """Why a code, a programme, an entry or a reading does not bill."""

    # what an entry is
    NO_TIMEZONE = "NO_TIMEZONE"  # an instant without an offset
    INVALID_ENTRY = "INVALID_ENTRY"  # end not after start
    UNDOCUMENTED_TIME = "UNDOCUMENTED_TIME"  # minutes without instants
    NOT_ENROLLED = "NOT_ENROLLED"  # no enrolment in the entry's programme
    NON_CLINICAL_STAFF = "NON_CLINICAL_STAFF"
    ACTIVITY_NOT_COUNTABLE = "ACTIVITY_NOT_COUNTABLE"
    DUPLICATE_ENTRY = "DUPLICATE_ENTRY"
    # when it was
    OUTSIDE_MONTH = "OUTSIDE_MONTH"
    SPLIT_AT_MONTH_BOUNDARY = "SPLIT_AT_MONTH_BOUNDARY"
    STAFF_BUSY_OTHER_PATIENT = "STAFF_BUSY_OTHER_PATIENT"
    INPATIENT = "INPATIENT"
    TIME_BEFORE_CONSENT = "TIME_BEFORE_CONSENT"
    # a second counts once
    OVERLAP_SAME_STAFF = "OVERLAP_SAME_STAFF"
    OVERLAP_TWO_STAFF = "OVERLAP_TWO_STAFF"
    CROSS_PROGRAM_DOUBLE_COUNT = "CROSS_PROGRAM_DOUBLE_COUNT"
    # what a programme asks for
    NO_CONSENT = "NO_CONSENT"
    CONSENT_INCOMPLETE = "CONSENT_INCOMPLETE"
    CONDITIONS_INSUFFICIENT = "CONDITIONS_INSUFFICIENT"
    NO_CARE_PLAN = "NO_CARE_PLAN"
    NO_24_7_ACCESS = "NO_24_7_ACCESS"
    NO_INITIATING_VISIT = "NO_INITIATING_VISIT"
    NOT_ESTABLISHED_PATIENT = "NOT_ESTABLISHED_PATIENT"
    # who and what else was billed
    OTHER_PRACTITIONER_BILLED = "OTHER_PRACTITIONER_BILLED"
    PCM_CCM_SAME_PRACTITIONER = "PCM_CCM_SAME_PRACTITIONER"
    APCM_EXCLUDES_CCM_PCM = "APCM_EXCLUDES_CCM_PCM"
    CONCURRENT_CODE_CONFLICT = "CONCURRENT_CODE_CONFLICT"
    CODE_RETIRED = "CODE_RETIRED"
    ONCE_PER_EPISODE = "ONCE_PER_EPISODE"
    ONCE_PER_INITIATION = "ONCE_PER_INITIATION"
    NOT_PERSONALLY_PERFORMED = "NOT_PERSONALLY_PERFORMED"
    # how much there is
    TIME_BELOW_THRESHOLD = "TIME_BELOW_THRESHOLD"
    ADDON_MAX_UNITS = "ADDON_MAX_UNITS"
    COMPLEX_MDM_NOT_DOCUMENTED = "COMPLEX_MDM_NOT_DOCUMENTED"
    MUTUALLY_EXCLUSIVE_ALTERNATIVE = "MUTUALLY_EXCLUSIVE_ALTERNATIVE"
    NO_INTERACTIVE_COMMUNICATION = "NO_INTERACTIVE_COMMUNICATION"
    # readings and their 30-day periods
    DAYS_BELOW_16 = "DAYS_BELOW_16"
    DAYS_BELOW_2 = "DAYS_BELOW_2"
    DEVICE_NOT_FDA_DEFINED = "DEVICE_NOT_FDA_DEFINED"
    PERIOD_ENDS_OTHER_MONTH = "PERIOD_ENDS_OTHER_MONTH"
    PERIOD_NOT_ENDED = "PERIOD_NOT_ENDED"  # only when evaluated with today's date
    MANUAL_READING = "MANUAL_READING"


#: These stay out of enrolment: their minutes only meet ours.
UNENROLLED = frozenset({Programme.TCM, Programme.BHI})
