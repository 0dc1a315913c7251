"""A version, or two beside each other, as lines of a terminal."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from retrain.registry.version_details import flatten

if TYPE_CHECKING:
    from monitor.store.training.registry import ScoreRow
    from retrain.registry.version_details import Difference, ScoreChange, VersionDetails


def version_lines(facts: "VersionDetails") -> Iterator[str]:
    """Yield all that is known of a version."""
    version = facts.version
    yield f"{version.model} version {version.version}: {version.stage}"
    yield f"made:    {version.created_at:%Y-%m-%d %H:%M} by {_origin(facts)}"
    parent = "none" if facts.parent is None else f"version {facts.parent.version}"
    yield f"parent:  {parent}"
    yield f"adapter: {version.adapter_path}"
    yield f"digest:  {version.adapter_digest}"
    yield f"baseline: {_baseline(facts)}"
    recipe = {} if facts.run is None else facts.run.recipe
    for title, content in (("lineage", version.lineage), ("recipe", recipe), ("data", facts.card)):
        if content:
            yield f"{title}:"
            yield from (f"  {name} = {value}" for name, value in flatten(content).items())
    yield "scores:" if facts.scores else "scores: not measured yet"
    for score in facts.scores:
        yield (
            f"  {score.benchmark}  {score.stratum or 'all':28s} {score.metric:12s} {_score(score)}"
            f"  n = {score.n}"
        )
    yield "moves:" if facts.moves else "moves: none yet"
    for move in facts.moves:
        yield (
            f"  {move.changed_at:%Y-%m-%d %H:%M}  {move.from_stage} -> {move.to_stage} by "
            f"{move.changed_by}: {move.reason}"
        )


def difference_lines(
    first: "VersionDetails",
    second: "VersionDetails",
    found: "Sequence[Difference]",
    scores: "Sequence[ScoreChange]",
) -> Iterator[str]:
    """Yield what differs, the first version's side first."""
    for facts in (first, second):
        version = facts.version
        yield (
            f"{version.model} version {version.version}: {version.stage}, made "
            f"{version.created_at:%Y-%m-%d %H:%M} by {_origin(facts)}"
        )
    for section in ("recipe", "data", "lineage"):
        own = [one for one in found if one.section == section]
        yield f"{section}:" if own else f"{section}: the same"
        yield from (f"  {one.name}: {one.first or '-'} -> {one.second or '-'}" for one in own)
    yield "scores:" if scores else "scores: neither was measured"
    for one in scores:
        change = "" if one.change is None else f"  ({one.change:+.3f})"
        yield (
            f"  {one.benchmark}  {one.stratum or 'all':28s} {one.metric:12s} "
            f"{_score(one.first)} -> {_score(one.second)}{change}"
        )


def _origin(facts: "VersionDetails") -> str:
    if facts.run is None:
        return "hand"
    decision = facts.run.decision_id
    return f"training run {facts.run.id}" + (f" after decision {decision}" if decision else "")


def _baseline(facts: "VersionDetails") -> str:
    plan = facts.baseline
    if plan is None:
        return "it never served, so it has none"
    if plan.baseline_id is not None:
        return f"baseline {plan.baseline_id}"
    if plan.closed_at is not None:
        return f"none of its own: another version was promoted on {plan.closed_at:%Y-%m-%d}"
    return (
        f"the model's newest, until a whole window of its own traffic since "
        f"{plan.since:%Y-%m-%d %H:%M} is judged"
    )


def _score(score: "ScoreRow | None") -> str:
    if score is None:
        return "not measured"
    return f"{score.value:.3f} [{score.lower:.3f}, {score.upper:.3f}]"
