"""False-alarm budget of a model, and the levels of its tests, which follow from it.

The expected number of false alarms of a year is at most the sum of the levels of all tests of the
year, whatever the dependence between them. So the budget is split into fixed shares; a test of each
window takes its share of the year divided by the number of windows.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

#: False alarms of a model a year, unless the settings say otherwise.
FALSE_ALARMS_A_YEAR = 0.5
#: Smallest and largest budget.
BUDGET_RANGE = (0.05, 12.0)
#: Least estimate of a drifted share that alarms, unless the settings say otherwise.
MIN_DRIFTED_SHARE = 0.005
#: Least rise of the share of an event that alarms, unless the settings say otherwise.
MIN_EVENT_RISE = 0.01

Schedule = Literal["weekly", "daily"]
WINDOWS_A_YEAR: Mapping[Schedule, int] = MappingProxyType({"weekly": 52, "daily": 365})

#: The share of the budget that each test spends in a year. Prompts change more often, and a narrow
#: new topic is the hardest to detect. The rest is a margin for what no level covers: all windows
#: are compared with one baseline, which is a sample itself.
SPENT = MappingProxyType(
    {
        "input": 0.52,
        "output": 0.078,
        "events": 0.026,
        "metrics": 0.03,
        "slow": 0.026,
        "looks": 0.02,
    }
)

#: P-values that a permutation test of a level can take at or below it: with fewer, a p-value far
#: below the level could not be told from one just below it.
P_VALUES_BELOW_LEVEL = 10


@dataclass(frozen=True)
class AlarmLevels:
    """Probabilities of a false alarm, by test."""

    #: Of the prompts of a window.
    input: float
    #: Of the responses of a window, given the prompts.
    output: float
    #: Of all metrics of a window together. A metric alarms in one direction, so half of its
    #: two-sided ``adjusted_p_value`` is compared with it.
    metrics: float
    #: Of slow drift, for as long as one baseline is used.
    slow: float
    #: Of all looks at a window before it has ended, together.
    looks: float
    #: Of all events of the responses of a window together: empty, refused and the like. 0 in
    #: assessments from before events were tested.
    events: float = 0.0

    def share(self, n_tested: int) -> "AlarmLevels":
        """Return the levels of each of several versions in a window (Bonferroni).

        Slow drift is tested once a window, whatever the number of versions.
        """
        n = max(n_tested, 1)
        return AlarmLevels(
            input=self.input / n,
            output=self.output / n,
            events=self.events / n,
            metrics=self.metrics / n,
            slow=self.slow,
            looks=self.looks / n,
        )

    def false_alarms(self, n_windows: int) -> float:
        """Return the largest expected number of false alarms in windows with one baseline."""
        each = self.input + self.output + self.events + self.metrics + self.looks
        return n_windows * each + self.slow


def spend(false_alarms_a_year: float, windows_a_year: int) -> AlarmLevels:
    """Return the levels that spend a budget over the windows of a year."""
    yearly = {name: false_alarms_a_year * share for name, share in SPENT.items()}
    return AlarmLevels(
        input=yearly["input"] / windows_a_year,
        output=yearly["output"] / windows_a_year,
        events=yearly["events"] / windows_a_year,
        metrics=yearly["metrics"] / windows_a_year,
        slow=yearly["slow"],
        looks=yearly["looks"] / windows_a_year,
    )


def permutations_for(level: float, least: int) -> int:
    """Return the permutations of a test: as many as its level needs, and the given number."""
    # 10 / 0.001 exceeds 10,000 by rounding.
    return max(least, math.ceil(P_VALUES_BELOW_LEVEL / level - 1e-6) - 1)


#: The levels at the default settings.
DEFAULT_LEVELS = spend(FALSE_ALARMS_A_YEAR, WINDOWS_A_YEAR["weekly"])
