"""Settings of drift detection: false-alarm budget and alert thresholds."""

from typing import Annotated

from pydantic import AfterValidator, Field

from monitor.setting_types.field_types import Section, Share
from monitor.settings.rules import check_rule
from monitor.statistics.alarm_levels import (
    BUDGET_RANGE,
    FALSE_ALARMS_A_YEAR,
    MIN_DRIFTED_SHARE,
    MIN_EVENT_RISE,
    WINDOWS_A_YEAR,
    AlarmLevels,
    Schedule,
    spend,
)


class Drift(Section):
    """Drift tests and alert thresholds."""

    false_alarms_a_year: Annotated[float, Field(ge=BUDGET_RANGE[0], le=BUDGET_RANGE[1])] = (
        FALSE_ALARMS_A_YEAR
    )
    min_drifted_share: Share = MIN_DRIFTED_SHARE
    min_slow_drifted_share: Share = MIN_DRIFTED_SHARE
    min_event_rise: Share = MIN_EVENT_RISE
    min_samples: Annotated[int, Field(ge=20)] = 100
    min_reported_share: Share = 0.02
    min_reported_change: Share = 0.05
    max_unread_share: Share = 0.1
    max_same_prompt_share: Share = 0.5
    n_permutations: Annotated[int, Field(ge=99)] = 9999
    match_weekdays: bool = True
    seed: int = 20_260_101
    higher_is_better: tuple[str, ...] = ()
    lower_is_better: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    rules: tuple[Annotated[str, AfterValidator(check_rule)], ...] = ()
    units: dict[str, str] = Field(default={})

    def levels(self, schedule: Schedule) -> AlarmLevels:
        """Return the levels of the tests, for weekly or daily windows."""
        return spend(self.false_alarms_a_year, WINDOWS_A_YEAR[schedule])
