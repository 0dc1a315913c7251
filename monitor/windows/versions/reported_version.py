"""Windows with several versions: each is compared, and one is reported for the window.

An alarm is about what serves now. So the reported version is one that still served when the window
ended: preferably one that was compared, then one that alarms, then the one with most exchanges.
Remarks describe the others, and the headline names serving versions that could not be compared:
where these are all, or a tenth or more, of the serving exchanges, the window has not enough data.
Versions that may alarm share the levels of the tests (Bonferroni), so that a window with two of
them does not alarm more often than a window with one.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from monitor.plurals import pluralize
from monitor.rendering.events import describe_event
from monitor.rendering.excerpts import excerpt_of_version
from monitor.rendering.numbers import format_share, join_names
from monitor.rendering.response_changes import describe_extent
from monitor.statistics.alarm_levels import AlarmLevels
from monitor.store.traffic.exchange_columns import count_users
from monitor.store.windows.assessment import Verdict, VersionAssessment
from monitor.windows.findings.findings import Findings
from monitor.windows.findings.sentences.headline import NOT_COMPARABLE
from monitor.windows.findings.sentences.missing_data import describe_fallen_coverage
from monitor.windows.versions.split import VersionPart

#: Where at least this share of the serving exchanges could not be compared, and the rest does not
#: alarm, the window has not enough data. A canary of one in twenty is below it.
UNCOMPARED_SHARE = 0.1


@dataclass(frozen=True)
class PartPlan:
    """How a version's part of a window is compared."""

    part: VersionPart
    #: That the versions share.
    levels: AlarmLevels
    #: Derived from the seed of the window.
    seed: int


@dataclass(frozen=True, kw_only=True)
class PartFindings:
    """The findings of a version's part of a window."""

    plan: PartPlan
    findings: Findings
    #: Times of its exchanges; empty where they are unknown.
    occurred_at: Sequence[datetime]
    #: Digest of the baseline; empty where there was none, or it is unknown.
    baseline: str
    #: Whether that is a baseline of this version.
    own_baseline: bool

    @property
    def part(self) -> VersionPart:
        """Return the part of the window."""
        return self.plan.part

    @property
    def is_compared(self) -> bool:
        """Return whether there was enough data."""
        return self.findings.verdict != "not_enough_data"

    @property
    def name(self) -> str:
        """Return the name of the version, or of pooled versions, in a sentence."""
        noun = "versions" if self.part.pooled_versions else "version"
        versions = self.part.pooled_versions or (self.part.version,)
        names = [excerpt_of_version(version) or "unknown" for version in versions]
        return f"{noun} {join_names(names)}"


def plan_parts(
    parts: Sequence[VersionPart], levels: AlarmLevels, *, min_samples: int, seed: int
) -> list[PartPlan]:
    """Return the levels and the seed of each version's comparison.

    A single part has the levels and the seed of the window. A version with fewer than
    ``min_samples`` exchanges is not tested.
    """
    if len(parts) == 1:
        return [PartPlan(parts[0], levels, seed)]
    n_tested = sum(part.is_serving and len(part.rows) >= min_samples for part in parts)
    shared = levels.share(n_tested)
    return [PartPlan(part, shared, _part_seed(seed, part.version)) for part in parts]


def select_reported(parts: Sequence[PartFindings]) -> int:
    """Return the index of the version that is reported for the window."""

    def priority(index: int) -> tuple[bool, bool, bool, int]:
        part = parts[index]
        return (
            part.part.is_serving,
            part.is_compared,
            part.findings.alarm,
            len(part.part.rows),
        )

    return max(range(len(parts)), key=priority)


def conclude(
    parts: Sequence[PartFindings], reported: PartFindings, n_window: int
) -> tuple[Verdict, dict[str, str]]:
    """Return the verdict and the findings of a window, with their kinds.

    They name uncompared versions.
    """
    findings = reported.findings
    if len(parts) == 1:
        return findings.verdict, findings.sentences
    subject = f"{reported.name} ({len(reported.part.rows):,} of {pluralize(n_window, 'exchange')})"
    serving = [part for part in parts if part.part.is_serving]
    uncompared = [part for part in serving if not part.is_compared]
    names = [
        f"{part.name} ({len(part.part.rows):,})" for part in uncompared if part is not reported
    ]
    if findings.is_not_comparable:
        further_parts = {f"Not compared either: {join_names(names)}.": ""} if names else {}
        first, further = _split_first(findings.sentences)
        return findings.verdict, {_of_version(first, subject): "", **further_parts, **further}
    if not reported.is_compared:
        uncompared_names = join_names([subject, *names])
        remark = f"Serving versions could not be compared: {uncompared_names}."
        return findings.verdict, {remark: "", **findings.sentences}
    first, further = _split_first(findings.sentences)
    named = f"{subject[0].upper()}{subject[1:]}: {first}"
    sentences = {named: findings.sentences[first], **further}
    if not uncompared:
        return findings.verdict, sentences
    n_uncompared, n_serving = (
        sum(len(part.part.rows) for part in group) for group in (uncompared, serving)
    )
    share = n_uncompared / n_serving
    remark = (
        f"{format_share(share)} of the exchanges of serving versions could not be compared: "
        f"{join_names(names)}."
    )
    if findings.alarm or share < UNCOMPARED_SHARE:
        return findings.verdict, {**sentences, remark: ""}
    lacking = [
        _of_version(next(iter(part.findings.sentences)), f"{part.name} ({len(part.part.rows):,})")
        for part in uncompared
        if part.findings.is_not_comparable
    ]
    return "not_enough_data", {**dict.fromkeys((*lacking, remark), ""), **sentences}


def _split_first(sentences: dict[str, str]) -> tuple[str, dict[str, str]]:
    """Return the first sentence, and the others with their kinds."""
    first = next(iter(sentences))
    return first, {text: kind for text, kind in sentences.items() if text != first}


def _of_version(sentence: str, subject: str) -> str:
    """Return a sentence on what a window lacks as one on a version's part of it."""
    return sentence.replace(NOT_COMPARABLE, f"{NOT_COMPARABLE}{subject}: ", 1)


def assess_version(
    part: PartFindings, users: Sequence[str], *, is_reported: bool
) -> VersionAssessment:
    """Return the figures of one version.

    ``users`` has the end user of each exchange of the window, ``[n]``.
    """
    findings = part.findings
    return VersionAssessment(
        version=part.part.version,
        pooled_versions=part.part.pooled_versions,
        first=min(part.occurred_at, default=None),
        last=max(part.occurred_at, default=None),
        n_current=len(part.part.rows),
        estimated_current=findings.sides.estimated_current,
        n_end_users=count_users([users[row] for row in part.part.rows]) if any(users) else 0,
        seed=part.plan.seed,
        levels=part.plan.levels,
        baseline=part.baseline,
        own_baseline=part.own_baseline,
        is_serving=part.part.is_serving,
        is_reported=is_reported,
        verdict=findings.verdict,
        alarm=findings.alarm and part.part.is_serving,
        input_p_value=findings.input.p_value,
        input_drifted_share=findings.input.drifted_share,
        output_p_value=findings.output.p_value,
        output_drifted_share=findings.output.drifted_share,
        output_comparable_share=findings.output.comparable_share,
        output_shift=findings.output.shift if findings.output.is_shift else None,
        degraded=tuple(column.name for column in findings.numeric_columns if column.degraded),
        events=tuple(event.kind for event in findings.output.event_alarms),
    )


def remark_on_version(part: PartFindings) -> str:
    """Return a remark on a version that is not reported."""
    findings = part.findings
    n = pluralize(len(part.part.rows), "exchange")
    name = f"{part.name[0].upper()}{part.name[1:]}, {n}"
    if part.occurred_at:
        name += f", {min(part.occurred_at):%Y-%m-%d} to {max(part.occurred_at):%Y-%m-%d}"
    metrics = "".join(f" {line}" for line in findings.metric_remarks)
    if findings.is_not_comparable:
        return f"{name}: {' '.join(findings.sentences)}{metrics}"
    if not part.is_compared:
        return f"{name}: could not be compared. {' '.join(findings.sentences)}"
    fallen = describe_fallen_coverage(findings.fallen_coverage)
    metrics = "".join(f" {line}" for line in fallen) + metrics
    if not findings.alarm:
        return f"{name}: no drift.{metrics}"
    changes = [describe_event(event) for event in findings.output.event_alarms]
    changes += [
        describe_extent(family)
        for family in (findings.input, findings.output)
        if family.verdict == "drift"
    ]
    changes += [f"`{column.name}`" for column in findings.numeric_columns if column.degraded]
    ended = (
        ""
        if part.part.is_serving
        else " It no longer served when the window ended, so it does not alarm."
    )
    return f"{name}: drift ({', '.join(changes) or 'significant'}).{ended}{metrics}"


def _part_seed(seed: int, version: str) -> int:
    entropy = [seed, zlib.crc32(version.encode())]
    return int(np.random.SeedSequence(entropy).generate_state(1)[0])
