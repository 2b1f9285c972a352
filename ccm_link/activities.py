"""What work is called: the closed set of activities, and which of them count. Data.

Not countable: what is paid for elsewhere, what is not clinical, what only watches. Source: the
care-management rules of CMS and its contractors as read in 2026.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Activity(StrEnum):
    """What a time entry was spent on."""

    ALERT_REVIEW = "alert_review"  # reading an alert and deciding about it
    CALL = "call"  # talking with the patient or caregiver
    CARE_COORDINATION = "care_coordination"  # with other practices and services
    CARE_PLAN = "care_plan"  # making or changing the plan
    MEDICATION = "medication"  # reconciliation and oversight
    DATA_REVIEW = "data_review"  # looking through readings without an alert
    EDUCATION = "education"  # teaching the patient or caregiver
    REFERRAL = "referral"  # referrals and transitions between settings
    DOCUMENTATION = "documentation"  # writing up clinical work
    FACE_TO_FACE_EM = "face_to_face_em"  # inside a visit that is billed on its own
    SUPERVISION_ONLY = "supervision_only"  # watching somebody else work
    BILLING_ADMIN = "billing_admin"  # claims and eligibility
    SCHEDULING_ONLY = "scheduling_only"  # arranging appointments
    TRAINING = "training"  # of staff


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How an activity is shown, and whether its minutes count."""

    label: str
    countable: bool = True


ACTIVITIES: dict[Activity, Kind] = {
    Activity.ALERT_REVIEW: Kind(label="Alert review"),
    Activity.CALL: Kind(label="Call with patient or caregiver"),
    Activity.CARE_COORDINATION: Kind(label="Care coordination"),
    Activity.CARE_PLAN: Kind(label="Care plan"),
    Activity.MEDICATION: Kind(label="Medication management"),
    Activity.DATA_REVIEW: Kind(label="Review of readings"),
    Activity.EDUCATION: Kind(label="Patient education"),
    Activity.REFERRAL: Kind(label="Referral or transition"),
    Activity.DOCUMENTATION: Kind(label="Documentation"),
    Activity.FACE_TO_FACE_EM: Kind(label="Part of a billed visit", countable=False),
    Activity.SUPERVISION_ONLY: Kind(label="Supervision only", countable=False),
    Activity.BILLING_ADMIN: Kind(label="Billing and administration", countable=False),
    Activity.SCHEDULING_ONLY: Kind(label="Scheduling", countable=False),
    Activity.TRAINING: Kind(label="Staff training", countable=False),
}


def countable(activity: str) -> bool:
    """An activity of an older import that nobody knows does not count."""
    return activity in ACTIVITIES and ACTIVITIES[Activity(activity)].countable
