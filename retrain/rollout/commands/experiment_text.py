"""Text of experiments."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retrain.rollout.rows.looks import LookRow
    from retrain.rollout.rows.rollouts import RolloutRow


def experiment_document(row: "RolloutRow", look: "LookRow | None") -> dict[str, Any]:
    """Return the document of `--json`."""
    import msgspec

    document: dict[str, Any] = msgspec.to_builtins({"experiment": row, "look": look})
    if look is not None:
        del document["look"]["evidence"]  # running sums, for the next look
    return document


def experiment_lines(row: "RolloutRow", look: "LookRow | None") -> Iterator[str]:
    """Yield the lines about an experiment."""
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
    for result in look.checks:
        yield f"    {_result(result)}"


def _result(result: dict[str, Any]) -> str:
    limits = ""
    if result["difference"] is not None and result["lower"] is not None:
        limits = f"{result['difference']:+.3g} [{result['lower']:+.3g}, {result['upper']:+.3g}]"
    return (
        f"{result['name']:20s} {result['kind']:6s} {result['verdict']:11s} {limits} "
        f"({result['n_pairs']:,} pairs of users)"
    )
