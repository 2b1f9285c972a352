"""How an alert can end. A closed set, so that months later outcomes can be counted."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """What the person who resolves an alert chooses from; `label` is what is read."""

    PATIENT_ADVISED = "patient_advised"
    REPEAT_NORMAL = "repeat_normal"
    MEDICATION_CHANGED = "medication_changed_by_provider"
    ESCALATED = "escalated_to_provider"
    EMERGENCY_SERVICES = "emergency_services"
    NO_ANSWER = "no_answer_follow_up"
    DEVICE_PROBLEM = "device_problem"
    NOT_THIS_PATIENT = "not_this_patient"
    NO_ACTION_NEEDED = "no_action_needed"

    @property
    def label(self) -> str:
        return LABELS[self]


#: How the rules close what later data left nothing of; no person chooses it.
NOT_NEEDED = "not_needed"

LABELS = {
    Outcome.PATIENT_ADVISED: "Patient advised",
    Outcome.REPEAT_NORMAL: "Repeat measurement was normal",
    Outcome.MEDICATION_CHANGED: "Provider changed the medication",
    Outcome.ESCALATED: "Handed to the provider",
    Outcome.EMERGENCY_SERVICES: "Emergency services called",
    Outcome.NO_ANSWER: "No answer, follow-up planned",
    Outcome.DEVICE_PROBLEM: "Problem with the device or its use",
    Outcome.NOT_THIS_PATIENT: "Not this patient's reading",
    Outcome.NO_ACTION_NEEDED: "No action needed",
}
#: Whatever an alert may have ended with.
ALL_LABELS: dict[str, str] = {
    **{str(outcome): label for outcome, label in LABELS.items()},
    NOT_NEEDED: "Not needed: late data changed what was found",
}
