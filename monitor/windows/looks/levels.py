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

    Looks spend a fixed share of the model's budget of false alarms.
    """
    return false_alarms_a_year * SPENT["looks"] / LOOKS_A_YEAR[frequency]
