"""Findings of an assessment in the order in which a reader acts on them, and the headline.

First, where nothing alarms, comes what the window lacks, by which it is not comparable. Then what
hurts users: metrics, and events of the responses. Then slow drift that alarms. Then, of the prompts
and of the responses, what explains their change, and the rest or the whole with its topics; then
the mix of task types, further changes, and what did not change or could not be compared.
"""

from collections.abc import Iterable, Sequence

from monitor.drift import MixComparison
from monitor.rendering.fingerprints import UNCHANGED
from monitor.rendering.numbers import format_estimate, is_above_zero
from monitor.settings import Drift
from monitor.store.windows.assessment import FamilyAssessment, NumericAssessment, ShareEstimate
from monitor.windows.alarm_rule import window_alarms
from monitor.windows.findings.sentences.descriptors import (
    changed_descriptors,
    changed_texts,
    worse_descriptors,
)
from monitor.windows.findings.sentences.explanations import events, explanations
from monitor.windows.findings.sentences.families import (
    describe_change,
    slow_drift,
    unchanged,
    untested,
)
from monitor.windows.findings.sentences.metrics import (
    degraded_metrics,
    further_metrics,
    undirected_metrics,
)
from monitor.windows.findings.sentences.topics import MAX_WORDS

#: Beginning of the headline of a window that lacks what the baseline has.
NOT_COMPARABLE = "Not comparable: "


def describe_findings(
    input_family: FamilyAssessment,
    output_family: FamilyAssessment,
    numeric_columns: Sequence[NumericAssessment],
    *,
    drift: Drift,
    mix: MixComparison | None = None,
    fallen: Sequence[str] = (),
) -> dict[str, str]:
    """Return the findings, a sentence each; none only where no family has a known verdict.

    Each has the kind of change that it is about, as in the fingerprint of an alarm; empty: none of
    these. ``fallen`` are sentences on what the window lacks. What alarms is always named; another
    change from the least effects of the settings on, where its interval holds no 0.
    """
    families = (input_family, output_family)
    worse = worse_descriptors(output_family, drift)
    changed = changed_descriptors(output_family, numeric_columns, drift)
    hurting = [
        degraded_metrics(numeric_columns),
        events(families, drift),
        _of("output", worse),
        _of("", undirected_metrics(numeric_columns, drift)),
    ]
    if window_alarms(families, numeric_columns):
        hurting.append(_of("", fallen))
    elif fallen:
        first = f"{NOT_COMPARABLE}{fallen[0][0].lower()}{fallen[0][1:]}"
        hurting.insert(0, _of("", [first, *fallen[1:]]))
    changes = [
        _of(
            "input",
            [
                *slow_drift(input_family),
                *explanations(input_family, drift),
                *describe_change(input_family, drift),
                *explanations(input_family, drift, is_minor=True),
                *_mix(input_family, mix, drift),
            ],
        ),
        _of(
            "output",
            [
                *explanations(output_family, drift),
                *describe_change(output_family, drift, is_named=bool(worse or changed)),
                *changed,
                *explanations(output_family, drift, is_minor=True),
            ],
        ),
        events(families, drift, is_minor=True),
    ]
    further = [
        *changed_texts(families, numeric_columns, drift),
        *further_metrics(numeric_columns, drift),
    ]
    has_changes = any((*hurting, *changes, further))
    nothing = unchanged(families, has_changes=has_changes)
    of_no_kind = [_of("", [*untested(families), *further]), _of(UNCHANGED, nothing)]
    findings: dict[str, str] = {}
    for part in (*hurting, *changes, *of_no_kind):
        findings |= {text: kind for text, kind in part.items() if text not in findings}
    return findings


def compose_headline(findings: Iterable[str]) -> str:
    """Return the first findings, as many as fit into :data:`MAX_WORDS` words; at least one."""
    left = list(findings)
    sentences = left[:1]
    for finding in left[1:]:
        if len(" ".join([*sentences, finding]).split()) > MAX_WORDS:
            break
        sentences.append(finding)
    return " ".join(sentences)


def _mix(family: FamilyAssessment, mix: MixComparison | None, drift: Drift) -> list[str]:
    """Return the share that moved between task types, where it surely did with the prompts."""
    if family.verdict != "drift" or mix is None:
        return []
    moved = ShareEstimate.of(mix.moved_share, mix.moved_share_interval)
    if not (mix.moved_share >= drift.min_reported_share and is_above_zero(moved)):
        return []
    return [f"{format_estimate(moved).capitalize()} of the traffic moved between task types."]


def _of(kind: str, sentences: Iterable[str]) -> dict[str, str]:
    return dict.fromkeys(sentences, kind)
