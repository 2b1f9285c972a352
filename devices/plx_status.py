"""What an oximeter says about its own measurement and sensor: names of bits, for both measurements.

Pulse Oximeter Service 1.0.1, sections 3.1.1.4 and 3.1.1.5.
"""

from __future__ import annotations

from devices import bits

MEASUREMENT_NAMES = (
    *(None,) * 5,
    "measurement_ongoing",
    "early_estimate",
    "validated",
    "fully_qualified",
    "from_memory",
    "demonstration",
    "testing",
    "calibration_ongoing",
    "measurement_unavailable",
    "questionable",
    "invalid",
)
SENSOR_NAMES = (
    "extended_display_update",
    "equipment_malfunction",
    "signal_irregular",
    "signal_inadequate",
    "signal_poor",
    "low_perfusion",
    "signal_erratic",
    "signal_not_pulsatile",
    "pulse_questionable",
    "signal_analysis_ongoing",
    "sensor_interference",
    "sensor_off",
    "sensor_unknown",
    "sensor_displaced",
    "sensor_malfunction",
    "sensor_disconnected",
)

#: With one of these the number is not a measurement of the person who wears the sensor.
NO_MEASUREMENT = frozenset({"demonstration", "testing", "measurement_unavailable", "invalid"})


def names_of(measurement: int | None, sensor: int | None) -> tuple[str, ...]:
    """What both fields say; None: the field was not sent."""
    return bits.names_of(measurement or 0, MEASUREMENT_NAMES) + bits.names_of(
        sensor or 0, SENSOR_NAMES
    )
