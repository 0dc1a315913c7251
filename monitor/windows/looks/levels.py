"""Test levels of looks: a fixed part of the yearly budget, over all looks and quantities."""

from typing import Literal

from monitor.statistics.alarm_levels import SPENT

Frequency = Literal["hourly", "daily", "off"]

#: The largest possible number.
LOOKS_A_YEAR: dict[Frequency, int] = {"hourly": 24 * 365, "daily": 365, "off": 1}

#: Parts of the level of a look. A metric is the hardest to detect.
PROMPTS, UNLIKE_RESPONSES, RESPONSE_LENGTH, RESPONSE_FAULTS, METRICS = 0.3, 0.1, 0.1, 0.1, 0.4


def look_level(false_alarms_a_year: float, frequency: Frequency) -> float:
    """Return the level of one look (Bonferroni): valid at any number of looks and dependence.

    Args:
        false_alarms_a_year: The budget of the model, of which looks spend a fixed share.
        frequency: How often the last 24 hours are looked at.
    """
    return false_alarms_a_year * SPENT["looks"] / LOOKS_A_YEAR[frequency]
