"""Metrics that a pipeline guards by name."""

from collections.abc import Sequence

from monitor.errors import InputError
from monitor.rendering.excerpts import excerpt
from monitor.traffic.exchange import Exchange
from monitor.windows.comparison.metrics import count_values

#: Metrics that an error names.
NAMED = 12


def require_metrics(names: Sequence[str], sides: Sequence[Sequence[Exchange]]) -> None:
    """Check that each guarded metric has a value on some side.

    Raises:
        InputError: One has none; the message names those that there are.
    """
    if not names:
        return
    counts = [count_values([exchange.attributes for exchange in side]) for side in sides]
    known = sorted(set().union(*counts))
    for name in names:
        if name not in known:
            listed = ", ".join(excerpt(metric, 40) for metric in known[:NAMED]) or "none"
            raise InputError(
                f"--fail-on metric:{excerpt(name, 60)}: neither side has this metric; name one of: "
                f"{listed}",
                code="unknown_metric",
            )
