"""Sentences on descriptors: of responses given the prompts, and of texts by themselves."""

from collections.abc import Sequence

from monitor.plurals import pluralize
from monitor.rendering.excerpts import excerpt
from monitor.rendering.numbers import format_mean, format_relative, format_share
from monitor.rendering.response_changes import (
    FAULTS,
    LANGUAGE,
    LENGTH,
    describe_descriptor,
    significant_descriptors,
)
from monitor.settings import Drift
from monitor.store.windows.assessment import (
    EVENT_KINDS,
    DescriptorChange,
    FamilyAssessment,
    NumericAssessment,
)
from monitor.windows.findings.sentences.explanations import is_reported
from monitor.windows.findings.sentences.metrics import describe_size, is_notable

NAMED = 3


def worse_descriptors(family: FamilyAssessment, drift: Drift) -> list[str]:
    """Return a sentence on each fault that the responses have more often, given the prompts."""
    return [
        describe_descriptor(change, family)
        for change in significant_descriptors(family)
        if _is_worse(family, change, drift)
    ]


def changed_descriptors(
    family: FamilyAssessment, columns: Sequence[NumericAssessment], drift: Drift
) -> list[str]:
    """Return a sentence on each other descriptor of responses that changed, given the prompts.

    None where the responses are unchanged apart from their explanations, or too few are left.
    """
    if _is_explained(family):
        return []
    changed = [
        change for change in significant_descriptors(family) if _is_far(change, columns, drift)
    ]
    sentences = [describe_descriptor(change, family) for change in changed[:NAMED]]
    n_more = len(changed) - NAMED
    more = f"{pluralize(n_more, 'more descriptor')} of the responses changed."
    return [*sentences, more] if n_more > 0 else sentences


def changed_texts(
    families: tuple[FamilyAssessment, FamilyAssessment],
    columns: Sequence[NumericAssessment],
    drift: Drift,
) -> list[str]:
    """Return a sentence on each descriptor of texts that changed much, whatever the prompts.

    Of prompts only where no explanation says what changed in them; of responses only where they
    could not be compared given the prompts, and their explanations leave a change.
    """
    sides = []
    if not families[0].explanations:
        sides.append("prompt")
    if not families[1].descriptors and not _is_explained(families[1]):
        sides.append("response")
    changed = sorted(
        (column for column in columns if column.side in sides and is_notable(column, drift)),
        key=lambda column: -abs(column.effect_size),
    )
    return [_describe(column) for column in changed[:NAMED]]


def _describe(column: NumericAssessment) -> str:
    """Return what changed in texts: "Prompts are 48% longer (from 30 to 45 tokens)"."""
    side, change = column.side, column.relative_change
    is_rise = column.current_mean > column.reference_mean
    phrase = {"questions": "are questions", **FAULTS}.get(column.name)
    if column.name.startswith(LANGUAGE):
        phrase = f"are in language {column.name.removeprefix(LANGUAGE)}"
    if phrase is not None:
        before, now = (format_share(mean) for mean in (column.reference_mean, column.current_mean))
        return f"About {now} of the {side}s {phrase} ({before} before)."
    if column.name == LENGTH and change is not None and abs(change) <= 1:
        limits = (column.relative_change_lower, column.relative_change_upper)
        before, now = (format_mean(mean) for mean in (column.reference_mean, column.current_mean))
        words = "longer" if is_rise else "shorter"
        size = format_relative(change, *limits)
        return f"The {side}s are {size} {words} (from {before} to {now} tokens)."
    verb = "rose" if is_rise else "fell"
    return f"The {excerpt(column.name, 40)} of the {side}s {verb} {describe_size(column)}."


def _is_explained(family: FamilyAssessment) -> bool:
    """Return whether explanations leave no change that a test finds."""
    return family.rest is not None and family.rest.verdict != "drift"


def _is_worse(family: FamilyAssessment, change: DescriptorChange, drift: Drift) -> bool:
    """Return whether a fault became more frequent, by enough, unless an event says so."""
    kinds = {item.kind for item in family.explanations if is_reported(item, drift)}
    is_rise = change.name in FAULTS and change.change >= drift.min_reported_share
    return is_rise and EVENT_KINDS.get(change.name) not in kinds


def _is_far(change: DescriptorChange, columns: Sequence[NumericAssessment], drift: Drift) -> bool:
    """Return whether a change that is no worse fault is one that a reader would act on."""
    if change.name in FAULTS and change.change > 0.0:
        return False
    if change.unit == "percent":
        return abs(change.change) >= drift.min_reported_change
    if change.unit == "points":
        return abs(change.change) >= drift.min_reported_share
    means = [
        column.reference_mean
        for column in columns
        if (column.side, column.name) == ("response", change.name)
    ]
    return not means or abs(change.change) >= drift.min_reported_change * abs(means[0])
