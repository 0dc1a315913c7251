"""The design of an experiment, stored with it."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec

from monitor.errors import WorkflowError
from monitor.table_types.documents import read_document
from retrain.rollout.checks.check import SHARES, RolloutCheck
from retrain.rollout.measurement.feedback import is_feedback
from retrain.rollout.rows.rollouts import RolloutRow

#: Key of the design in the column ``rollouts.settings``.
KEY = "experiment"
#: Metrics that must not get worse, where none is named and the metric is no goal.
DEFAULT_GUARDS = (*SHARES, "latency")


class ExperimentDesign(msgspec.Struct, frozen=True, kw_only=True):
    """Goals, guards and exposure of an experiment."""

    #: Names of metrics that the treatment may improve.
    goals: tuple[str, ...]
    #: Names of metrics that must not get worse; ``None``: :data:`DEFAULT_GUARDS`.
    guards: tuple[str, ...] | None = None
    #: Hours of an end user that count, from the first contact on.
    exposure_hours: int = 24

    @property
    def exposure(self) -> timedelta:
        """Return the time of an end user that counts."""
        return timedelta(hours=self.exposure_hours)


def design_of(experiment: RolloutRow) -> ExperimentDesign:
    """Return the design of an experiment."""
    return read_document((experiment.settings or {})[KEY], ExperimentDesign)


def design_as_json(design: ExperimentDesign) -> dict[str, Any]:
    """Return a design as it is stored."""
    return {KEY: msgspec.to_builtins(design)}


def select_checks(
    design: ExperimentDesign, checks: Sequence[RolloutCheck]
) -> tuple[list[RolloutCheck], list[RolloutCheck]]:
    """Return the checks of the goals and of the guards.

    Raises:
        WorkflowError: A metric is unknown.
    """
    known = {check.name: check for check in checks if check.is_paired and not is_feedback(check)}
    named = [*design.goals, *(design.guards or ())]
    for name in named:
        if name not in known:
            raise WorkflowError(
                f"unknown metric: {name!r}; name one of: {', '.join(sorted(known))}. A metric of "
                "the traffic needs a direction (drift.higher_is_better or drift.lower_is_better) "
                "and 50 past values",
                code="unknown_metric",
            )
    guards = [name for name in DEFAULT_GUARDS if name in known and name not in design.goals]
    if design.guards is not None:
        guards = [name for name in design.guards if name not in design.goals]
    return [known[name] for name in design.goals], [known[name] for name in guards]
