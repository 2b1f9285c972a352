"""Words for the closed sets that pages show: kinds of readings, channels, certainties."""

from __future__ import annotations

KINDS = {
    "blood_pressure": "Blood pressure",
    "glucose": "Glucose",
    "weight": "Weight",
    "body_composition": "Body composition",
    "pulse_oximetry": "Oxygen saturation",
    "temperature": "Temperature",
    "heart_rate": "Heart rate",
    "continuous_glucose": "Glucose sensor",
    "undecoded": "Not decoded",
}

CHANNELS = {
    "phone": "Call",
    "video": "Video call",
    "message": "Message",
    "in_person": "Visit",
}

#: How the instant of a reading was found.
CERTAINTIES = {
    "device_clock": "device clock, corrected",
    "home_zone": "device time in the home's zone",
    "received": "time of receipt",
}


def flag_words(flag: str) -> str:
    """'irregular_pulse' as it is read; flags come from the devices and are not a closed set."""
    return flag.replace("_", " ")
