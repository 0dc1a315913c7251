"""Text of experiments."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retrain.rollout.rows.looks import Look
    from retrain.rollout.rows.rollouts import RolloutRow


def experiment_document(row: "RolloutRow", look: "Look | None") -> dict[str, Any]:
    """Return the document of `--json`."""
    import msgspec

    from retrain.rollout.rows.looks import look_document

    document: dict[str, Any] = msgspec.to_builtins({"experiment": row, "look": look_document(look)})
    return document


def experiment_lines(row: "RolloutRow", look: "Look | None") -> Iterator[str]:
    """Yield the lines about an experiment."""
    from retrain.rollout.commands.text import check_lines
    from retrain.rollout.experiments.design import design_of

    design = design_of(row)
    state = "running" if row.is_open else "ended"
    yield f"{row.model}: experiment {row.id} of version {row.version}, {state}"
    yield f"  started:  {row.started_at:%Y-%m-%d %H:%M} UTC by {row.started_by}"
    if row.finished_at is not None:
        yield f"  ended:    {row.finished_at:%Y-%m-%d %H:%M} UTC"
    yield f"  exposure: {design.exposure_hours} h of each user"
    if look is None:
        yield "  verdict:  no hour is complete yet"
        return
    yield f"  verdict:  {look.reason}, after the hour from {look.hour:%Y-%m-%d %H:%M} UTC"
    yield from check_lines(look)
