"""Settings of drift detection: levels and alert thresholds."""

import math
from typing import Annotated

from pydantic import Field

from monitor.settings.field_types import Level, Section, Share

#: Level of the output tests over that of the input tests. The prompts change more often, and are
#: the harder to detect: they take the larger part of the false alarms.
OUTPUT_LEVEL = 0.2


class Drift(Section):
    """Drift tests and alert thresholds."""

    alpha: Level = 0.005
    min_drifted_share: Share = 0.005
    slow_alpha: Level = 0.05
    min_slow_drifted_share: Share = 0.005
    min_samples: Annotated[int, Field(ge=20)] = 100
    max_unread_share: Share = 0.1
    max_same_prompt_share: Share = 0.5
    n_permutations: Annotated[int, Field(ge=99)] = 9999
    seed: int = 20_260_101
    higher_is_better: tuple[str, ...] = ()
    lower_is_better: tuple[str, ...] = ()

    @property
    def output_alpha(self) -> float:
        """Return the level of the output tests, and of the descriptors and metrics."""
        return OUTPUT_LEVEL * self.alpha

    @property
    def output_permutations(self) -> int:
        """Return the permutations of the output tests: at least as many as reach their level."""
        return max(self.n_permutations, math.ceil(1 / self.output_alpha))
