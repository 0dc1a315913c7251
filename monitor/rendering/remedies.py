"""Remedies of a window that could not be compared."""

from collections.abc import Iterator, Sequence

from monitor.rendering.commands import import_command
from monitor.rendering.excerpts import excerpt
from monitor.rendering.numbers import join_names
from monitor.store.windows.assessment import FallenCoverage, Shortage

#: Names in a sentence.
NAMED = 3
CHECK_TRAFFIC = (
    "Check that production writes traffic and driftwarden reads it: `driftwarden check`."
)


def remedies(
    shortages: Sequence[Shortage], fallen: Sequence[FallenCoverage], *, model: str
) -> tuple[str, ...]:
    """Return a sentence on each thing to do."""
    return tuple(_remedies(shortages, fallen, model))


def _remedies(
    shortages: Sequence[Shortage], fallen: Sequence[FallenCoverage], model: str
) -> Iterator[str]:
    if fallen:
        names = [f"`{excerpt(item.name, 40)}`" for item in fallen[:NAMED]]
        if len(fallen) > NAMED:
            names.append(f"{len(fallen) - NAMED} more")
        yield (
            f"Have production send {join_names(names)} again. List what was removed on purpose in "
            "`drift.optional`, or import a newer baseline."
        )
    if "no_traffic" in shortages:
        yield CHECK_TRAFFIC
    if "small_window" in shortages:
        yield (
            "Compare a longer period (`monitoring.drift_detection`), sample more "
            "(`monitoring.sample_rate`), or lower `drift.min_samples`."
        )
    if "few_end_users" in shortages:
        yield (
            "Compare a longer period, or sample more (`monitoring.sample_rate`). Check that `user` "
            "names the end user, not a service."
        )
    command = import_command(model or "MODEL")
    if "no_baseline" in shortages:
        yield f"Import a baseline: `{command}`."
    if "small_baseline" in shortages:
        yield (
            f"Use a baseline of at least `drift.min_samples` exchanges: `{command}` imports one."
        )
    if "other_encoder" in shortages:
        yield "Set `embedding.model` to the encoder of the traffic; evaluate the window again."
