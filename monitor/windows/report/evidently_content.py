"""Figures of a result that a snapshot of Evidently shows; they quote no text."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from monitor.drift.result import DriftResult
from monitor.errors import InputError
from monitor.plurals import pluralize
from monitor.statistics.p_value_text import state_p_value
from monitor.stored_words import Words

if TYPE_CHECKING:
    from monitor.drift.result import DescriptorChange
    from monitor.store.windows.assessment import Assessment, FamilyAssessment
    from monitor.store.windows.assessment import DescriptorChange as StoredChange

#: ``warning``: not enough data, which is no pass.
Status = Literal["success", "fail", "warning"]
STATUS_OF_VERDICT: Words[Status] = Words(
    {"drift": "fail", "no_drift": "success", "not_enough_data": "warning"}, lambda _: "warning"
)
PROMPTS, RESPONSES = "prompts", "responses"


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A number of a result, with the outcome of its test if it has one."""

    #: What it is of: ``window``, ``prompts``, ``responses``, or a metric or descriptor.
    of: str
    name: str
    value: float
    status: Status | None = None
    explanation: str = ""


@dataclass(frozen=True, kw_only=True)
class Interval:
    """An estimate with its 95% interval."""

    name: str
    estimate: float
    lower: float
    upper: float


@dataclass(frozen=True, kw_only=True)
class SnapshotContent:
    """Everything of a result that a snapshot shows."""

    verdict: str
    figures: list[Figure]
    #: Drifted shares, and the shares of topics, in [0, 1].
    shares: list[Interval]
    #: Rows of the table of topics: number, exchanges, share, share of the reference, enrichment.
    topics: list[list[str]]


def content_of(result: "DriftResult | Assessment") -> SnapshotContent:
    """Return what a snapshot shows of a result; what was not tested has no figure."""
    if isinstance(result, DriftResult):
        content = _of_arrays(result)
    elif hasattr(result, "numeric_columns"):
        content = _of_exchanges(result)
    else:
        raise InputError(
            f"result is a {type(result).__name__}; pass what compare, compare_given or "
            "compare_exchanges returns",
            code="no_result",
        )
    figures = [figure for figure in content.figures if math.isfinite(figure.value)]
    return SnapshotContent(
        verdict=content.verdict, figures=figures, shares=content.shares, topics=content.topics
    )


def _of_arrays(result: DriftResult) -> SnapshotContent:
    of = PROMPTS if result.shift is None else RESPONSES
    status = STATUS_OF_VERDICT[result.verdict]
    lower, upper = result.drifted_share_interval
    figures = [
        Figure(
            of="window",
            name="exchanges",
            value=result.n_current,
            status=status,
            explanation=str(result),
        ),
        Figure(of="window", name="reference exchanges", value=result.n_reference),
    ]
    if result.verdict == "not_enough_data":
        return SnapshotContent(verdict=result.verdict, figures=figures, shares=[], topics=[])
    figures += [
        Figure(of="window", name="alarm", value=float(result.verdict == "drift")),
        Figure(of=of, name="p-value", value=result.p_value),
        Figure(of=of, name="drifted share", value=result.drifted_share),
        Figure(of=of, name="drifted share, lower", value=lower),
        Figure(of=of, name="drifted share, upper", value=upper),
        Figure(of=of, name="topics", value=len(result.clusters)),
    ]
    shares = [
        Interval(
            name=f"drifted share of {of}", estimate=result.drifted_share, lower=lower, upper=upper
        )
    ]
    if result.shift is not None:
        figures.append(Figure(of=of, name="shift", value=result.shift))
    figures += _change_figures(result.descriptors)
    topics = [
        _topic_row(of, number, cluster.size, cluster)
        for number, cluster in enumerate(result.clusters, start=1)
    ]
    return SnapshotContent(verdict=result.verdict, figures=figures, shares=shares, topics=topics)


def _of_exchanges(assessment: "Assessment") -> SnapshotContent:
    families = ((PROMPTS, assessment.input), (RESPONSES, assessment.output))
    sizes = f"{pluralize(assessment.n_current, 'exchange')} against {assessment.n_reference:,}"
    figures = [
        Figure(
            of="window",
            name="exchanges",
            value=assessment.n_current,
            status=STATUS_OF_VERDICT[assessment.verdict],
            explanation=f"{assessment.verdict.replace('_', ' ')}: {sizes}",
        ),
        Figure(of="window", name="reference exchanges", value=assessment.n_reference),
    ]
    if assessment.verdict != "not_enough_data":
        figures.append(Figure(of="window", name="alarm", value=float(assessment.alarm)))
    shares, topics = [], []
    for of, family in families:
        figures += _figures_of_family(of, family)
        share = family.drifted_share
        if share is None:
            continue
        shares.append(
            Interval(
                name=f"drifted share of {of}",
                estimate=share.estimate,
                lower=share.lower,
                upper=share.upper,
            )
        )
        topics += [
            _topic_row(of, number, topic.n_current, topic)
            for number, topic in enumerate(family.topics, start=1)
        ]
    figures += _numeric_figures(assessment)
    return SnapshotContent(
        verdict=assessment.verdict, figures=figures, shares=shares, topics=topics
    )


def _figures_of_family(of: str, family: "FamilyAssessment") -> Iterator[Figure]:
    # Imported here: it loads msgspec, which a result on arrays doesn't need.
    from monitor.rendering.response_changes import describe_extent  # noqa: PLC0415 - see above

    for event in family.explanations:
        yield Figure(
            of=f"{of}: {event.kind.replace('_', ' ')}",
            name="share",
            value=event.current.estimate,
            status="fail" if event.alarm else None,
            explanation=f"{event.reference.estimate:.1%} before, {event.current.estimate:.1%} now",
        )
    share = family.drifted_share
    if share is None:
        return
    alarms = family.alarms
    extent = f", {describe_extent(family)}" if family.verdict == "drift" else ""
    yield Figure(
        of=of,
        name="alarm",
        value=float(alarms),
        status="fail" if alarms else "success",
        explanation=f"{state_p_value(family.p_value, family.level)}{extent}, "
        f"{pluralize(len(family.topics), 'topic')}",
    )
    yield Figure(of=of, name="p-value", value=family.p_value)
    yield Figure(of=of, name="drifted share", value=share.estimate)
    yield Figure(of=of, name="drifted share, lower", value=share.lower)
    yield Figure(of=of, name="drifted share, upper", value=share.upper)
    yield Figure(of=of, name="topics", value=len(family.topics))
    if family.shift is not None:
        yield Figure(of=of, name="shift", value=family.shift.estimate)
    yield from _change_figures(family.descriptors)


def _change_figures(changes: "Iterable[DescriptorChange | StoredChange]") -> Iterator[Figure]:
    """Return the changes of descriptors given the prompts; a relative change is a share."""
    for change in changes:
        of = f"response given the prompt: {change.name}"
        yield Figure(of=of, name="change", value=change.change)
        yield Figure(of=of, name="change, lower", value=change.lower)
        yield Figure(of=of, name="change, upper", value=change.upper)
        yield Figure(of=of, name="p-value, adjusted", value=change.adjusted_p_value)


def _numeric_figures(assessment: "Assessment") -> Iterator[Figure]:
    """Return the changes of metrics and of texts; a descriptor given the prompts has its own."""
    from monitor.rendering.change_tables import format_column_change  # noqa: PLC0415 - see above

    tested = {change.name for change in assessment.output.descriptors}
    for column in assessment.numeric_columns:
        if column.side == "response" and column.name in tested:
            continue
        of = f"{column.side}: {column.name}"
        is_metric = column.side == "metric" and column.direction != 0
        yield Figure(of=of, name="mean", value=column.current_mean)
        yield Figure(of=of, name="reference mean", value=column.reference_mean)
        yield Figure(
            of=of,
            name="effect size",
            value=column.effect_size,
            status=("fail" if column.degraded else "success") if is_metric else None,
            explanation=format_column_change(column),
        )


def _topic_row(of: str, number: int, n: int, topic: Any) -> list[str]:
    """Return the row of a topic, which has no name: a name is made of words of the traffic."""
    enrichment = (
        f"{topic.enrichment:.1f} ({topic.enrichment_lower:.1f} to {topic.enrichment_upper:.1f})"
    )
    shares = (f"{share:.2%}" for share in (topic.share_current, topic.share_reference))
    return [f"{of} {number}", f"{n:,}", *shares, enrichment]
