"""Text of a version, and of the differences of two versions."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from retrain.registry.version_details import flatten

if TYPE_CHECKING:
    from monitor.store.training.registry import ScoreRow, VersionRow
    from retrain.registry.paired_scores import PairedScore
    from retrain.registry.version_details import Difference, VersionDetails

#: Characters of a value in a line of differences; --json has all.
MAX_CHARACTERS = 80


def version_lines(facts: "VersionDetails") -> Iterator[str]:
    """Yield the lines about a version."""
    version = facts.version
    yield f"{version.model} version {version.version}: {version.stage}"
    if version.stage == "rejected" and facts.moves:
        change = facts.moves[-1]
        yield (
            f"rejected: {change.changed_at:%Y-%m-%d %H:%M} by {change.changed_by}: {change.reason}"
        )
    yield f"created: {version.created_at:%Y-%m-%d %H:%M} by {_origin(facts)}"
    parent = "none" if facts.parent is None else f"version {facts.parent.version}"
    yield f"parent:  {parent}"
    yield f"adapter: {version.adapter_path}"
    yield f"digest:  {version.adapter_digest}"
    yield f"acts:    {_identity(version)}"
    yield f"baseline: {_baseline(facts)}"
    recipe = {} if facts.run is None else facts.run.recipe
    for title, content in (("lineage", version.lineage), ("recipe", recipe), ("data", facts.card)):
        if content:
            yield f"{title}:"
            yield from (f"  {name} = {value}" for name, value in one_line_each(content))
    yield "scores:" if facts.scores else "scores: not evaluated yet"
    for score in facts.scores:
        yield (
            f"  {score.benchmark}  {score.stratum or 'all':28s} {score.metric:12s} {_score(score)}"
            f"  n = {score.n}"
        )
    yield "stages:" if facts.moves else "stages: no change yet"
    for move in facts.moves:
        yield (
            f"  {move.changed_at:%Y-%m-%d %H:%M}  {move.from_stage} -> {move.to_stage} by "
            f"{move.changed_by}: {move.reason}"
        )


def difference_lines(
    first: "VersionDetails",
    second: "VersionDetails",
    differences: "Sequence[Difference]",
    scores: "Sequence[PairedScore]",
) -> Iterator[str]:
    """Yield the lines about the differences of two versions."""
    for facts in (first, second):
        version = facts.version
        yield (
            f"{version.model} version {version.version}: {version.stage}, created "
            f"{version.created_at:%Y-%m-%d %H:%M} by {_origin(facts)}"
        )
    for section in ("recipe", "data", "lineage"):
        changed = [change for change in differences if change.section == section]
        yield f"{section}:" if changed else f"{section}: unchanged"
        for item in changed:
            yield f"  {item.name}: {_shorten(item.first)} -> {_shorten(item.second)}"
    yield "scores:" if scores else "scores: neither version was evaluated"
    for score in scores:
        both = "" if score.evaluation is None else f", evaluation {score.evaluation}"
        change = "" if score.change is None else f"  ({score.change:+.3f}{both})"
        yield (
            f"  {score.benchmark}  {score.stratum or 'all':28s} {score.metric:12s} "
            f"{_score(score.first)} -> {_score(score.second)}{change}"
        )


def one_line_each(content: "Mapping[str, Any]") -> "Iterator[tuple[str, str]]":
    """Yield the dotted names and values of nested JSON; of a template its begin and length."""
    for name, value in flatten(content).items():
        yield name, _shorten(value) if name == "chat_template" and value else value


def _shorten(value: str) -> str:
    """Return a value that fits a line: of a long one its begin and length, of none a dash."""
    if len(value) <= MAX_CHARACTERS and "\n" not in value:
        return value or "-"
    begin = " ".join(value[:MAX_CHARACTERS].split())
    return f"{begin}... ({len(value):,} characters)"


def _origin(facts: "VersionDetails") -> str:
    if facts.run is None:
        return "hand"
    decision = facts.run.decision_id
    return f"training run {facts.run.id}" + (f" after decision {decision}" if decision else "")


def _identity(version: "VersionRow") -> str:
    identity = version.identity
    if identity is None:
        return "not recorded; an evaluation records it"
    places = [f"{len(folder.files)} files in {folder.path}" for folder in identity.folders]
    if identity.hub:
        commit = version.lineage.get("base_revision")
        places.append(f"{identity.hub}, {'pinned by its commit' if commit else 'not pinned'}")
    return f"{identity.acting}, recorded {identity.recorded_at:%Y-%m-%d %H:%M}: {', '.join(places)}"


def _baseline(facts: "VersionDetails") -> str:
    plan = facts.baseline
    if plan is None:
        return "none: never in production"
    if plan.baseline_id is not None:
        return f"baseline {plan.baseline_id}"
    if plan.closed_at is not None:
        return f"none of its own: replaced on {plan.closed_at:%Y-%m-%d}"
    return (
        f"the model's newest, until a full window of this version's traffic since "
        f"{plan.since:%Y-%m-%d %H:%M} is evaluated"
    )


def _score(score: "ScoreRow | None") -> str:
    if score is None:
        return "not measured"
    return f"{score.value:.3f} [{score.lower:.3f}, {score.upper:.3f}]"
