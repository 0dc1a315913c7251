"""Check of the trackers that get the losses."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from monitor.errors import TrainingError
from retrain.planning.checks.finding import PlanFinding

if TYPE_CHECKING:
    from transformers import TrainerCallback


def tracker_callbacks(names: Sequence[str]) -> "list[TrainerCallback]":
    """Return the callbacks of trackers.

    Raises:
        TrainingError: A tracker is unknown, or its package isn't installed.
    """
    try:
        return [tracker() for tracker in _classes(names)]
    except (ValueError, RuntimeError, ImportError) as error:
        raise TrainingError(f"recipe.report_to = {list(names)}: {error}", code="tracker") from error


def check_trackers(names: Sequence[str], *, here: bool) -> PlanFinding:
    """Check that transformers knows the trackers, and that their packages are installed.

    Only where training runs on this machine can packages be checked.
    """
    name, named = "trackers", ", ".join(names)
    try:
        if here:
            tracker_callbacks(names)
        else:
            _classes(names)
    except (TrainingError, ValueError) as error:
        return PlanFinding(name, "refused", str(error))
    if here:
        return PlanFinding(name, "ok", f"{named} can be imported")
    return PlanFinding(name, "note", f"{named}; the child checks that the packages are installed")


def _classes(names: Sequence[str]) -> "Sequence[type[TrainerCallback]]":
    from transformers.integrations import get_reporting_integration_callbacks  # noqa: PLC0415

    classes: list[type[TrainerCallback]] = get_reporting_integration_callbacks(list(names))
    return classes
