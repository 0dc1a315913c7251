"""A window in which several versions answered: each is judged, and one speaks for the window.

What pages somebody is what serves now. So the figures are those of a version that still served when
the window ended: one that was judged before one that wasn't, one that alarms before one that
doesn't, then the one with most exchanges. The others are told beside it, and what serves and wasn't
judged in the headline: where that is all or much of it, the window wasn't judged. Versions that may
alarm share the level of the tests (Bonferroni), so that a week of two versions doesn't alarm more
often than a week of one.
"""

import dataclasses
import math
import zlib
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

import numpy as np
from msgspec.structs import replace

from monitor.plurals import pluralize
from monitor.rendering.excerpts import excerpt_of_version
from monitor.rendering.numbers import format_bound, format_share, is_informative, join_names
from monitor.settings import Drift
from monitor.store.traffic.exchange_columns import count_users
from monitor.store.windows.assessment import Assessment, Basis, Source, Verdict, VersionAssessment
from monitor.windows.comparison.window_comparison import Assessed
from monitor.windows.versions.split import Part

#: Where at least this share of the exchanges of what serves couldn't be judged, and the rest
#: doesn't alarm, the window wasn't judged. A canary of one in twenty is below it.
UNJUDGED_SHARE = 0.1


@dataclasses.dataclass(frozen=True)
class Judged:
    """A part of a window with what was found."""

    part: Part
    #: When its exchanges took place; empty where that isn't known.
    occurred_at: Sequence[datetime]
    assessed: Assessed
    #: Digest of what it was compared with; empty where there was nothing, or it isn't known.
    baseline: str
    #: Whether that is a baseline of this version.
    own_baseline: bool

    @property
    def assessment(self) -> Assessment:
        """Return what was found."""
        return self.assessed.assessment

    @property
    def is_judged(self) -> bool:
        """Return whether there was enough of it."""
        return self.assessment.verdict != "not_enough_data"

    @property
    def name(self) -> str:
        """Return how it is named in a sentence."""
        noun = "versions" if self.part.pooled_versions else "version"
        versions = self.part.pooled_versions or (self.part.version,)
        return f"{noun} {join_names([excerpt_of_version(one) or 'unknown' for one in versions])}"


Found = TypeVar("Found", bound=Judged)


def judge_versions(
    parts: Sequence[Part],
    judge: Callable[[Part, Drift, int], Found],
    *,
    drift: Drift,
    seed: int,
    users: Sequence[str],
) -> tuple[Found, Assessed]:
    """Judge each version's part of a window.

    Args:
        parts: The window by version; of a single one the findings are returned as they are.
        judge: Judges a part at the settings and with the seed that it gets.
        drift: The settings of a window of one version.
        seed: The window's.
        users: The user or session of each exchange of the window, ``[n]``.

    Returns:
        The part that speaks for the window, and the assessment of the window.
    """
    if len(parts) == 1:
        only = judge(parts[0], drift, seed)
        return only, only.assessed
    n_serving = sum(part.is_serving and len(part.rows) >= drift.min_samples for part in parts)
    shared = share_level(drift, n_serving)
    judged = [judge(part, shared, _seed_of(seed, part.version)) for part in parts]
    speaker = max(judged, key=_claim_to_speak)
    versions = tuple(
        _version(
            one,
            is_reported=one is speaker,
            n_end_users=count_users([users[row] for row in one.part.rows]),
            seed=_seed_of(seed, one.part.version),
            alpha=shared.alpha,
        )
        for one in judged
    )
    combined = _combine(judged, speaker, len(users))
    basis = combined.assessment.basis
    assessment = replace(
        combined.assessment,
        versions=versions,
        basis=None if basis is None else _of_window(basis, drift, seed, users),
    )
    return speaker, dataclasses.replace(combined, assessment=assessment)


def share_level(drift: Drift, n_tested: int) -> Drift:
    """Return the settings at a level that several tests share, with permutations that reach it."""
    alpha = drift.alpha / max(n_tested, 1)
    least = math.ceil(1 / alpha)
    return drift.model_copy(
        update={"alpha": alpha, "n_permutations": max(drift.n_permutations, least)}
    )


def _of_window(basis: Basis, drift: Drift, seed: int, users: Sequence[str]) -> Basis:
    """Return the basis of one version's figures as that of the window."""
    return replace(
        basis,
        seed=seed,
        settings=basis.settings | drift.model_dump(mode="json"),
        current=Source(n_end_users=count_users(users)),
    )


def _claim_to_speak(one: Judged) -> tuple[bool, bool, bool, int]:
    return one.part.is_serving, one.is_judged, one.assessment.alarm, len(one.part.rows)


def _combine(judged: Sequence[Judged], speaker: Judged, n_window: int) -> Assessed:
    novelty = np.zeros(n_window)
    cluster = np.full(n_window, -1, dtype=np.int64)
    for one in judged:
        novelty[one.part.rows] = one.assessed.novelty
    cluster[speaker.part.rows] = speaker.assessed.cluster  # topics are those of the speaker
    verdict, headline = _conclude(judged, speaker, n_window)
    estimates = [one.assessment.estimated_current for one in judged]
    told = [_tell(one) for one in judged if one is not speaker]
    combined = replace(
        speaker.assessment,
        verdict=verdict,
        headline=headline,
        n_current=n_window,
        estimated_current=None if None in estimates else sum(filter(None, estimates)),
        remarks=(*told, *speaker.assessment.remarks),
    )
    return Assessed(combined, novelty, cluster, speaker.assessed.scalars)


def _conclude(judged: Sequence[Judged], speaker: Judged, n_window: int) -> tuple[Verdict, str]:
    """Return the verdict of the window and its headline, which names what wasn't judged."""
    found = speaker.assessment
    whose = f"{speaker.name} ({len(speaker.part.rows):,} of {pluralize(n_window, 'exchange')})"
    serving = [one for one in judged if one.part.is_serving]
    left = [one for one in serving if not one.is_judged]
    others = [f"{one.name} ({len(one.part.rows):,})" for one in left if one is not speaker]
    if not speaker.is_judged:
        which = join_names([whose, *others])
        return found.verdict, f"What serves could not be judged: {which}. {found.headline}"
    said = f"{whose[0].upper()}{whose[1:]}: {found.headline}"
    if not left:
        return found.verdict, said
    n_left, n_serving = (sum(len(one.part.rows) for one in some) for some in (left, serving))
    share = n_left / n_serving
    told = (
        f"{format_share(share)} of the exchanges of what serves could not be judged: "
        f"{join_names(others)}."
    )
    if found.alarm or share < UNJUDGED_SHARE:
        return found.verdict, f"{said} {told}"
    return "not_enough_data", f"{told} {said}"


def _version(
    one: Judged, *, is_reported: bool, n_end_users: int, seed: int, alpha: float
) -> VersionAssessment:
    found = one.assessment
    return VersionAssessment(
        version=one.part.version,
        pooled_versions=one.part.pooled_versions,
        first=min(one.occurred_at, default=None),
        last=max(one.occurred_at, default=None),
        n_current=len(one.part.rows),
        estimated_current=found.estimated_current,
        n_end_users=n_end_users,
        seed=seed,
        alpha=alpha,
        baseline=one.baseline,
        own_baseline=one.own_baseline,
        is_serving=one.part.is_serving,
        is_reported=is_reported,
        verdict=found.verdict,
        alarm=found.alarm and one.part.is_serving,
        input_p_value=found.input.p_value,
        input_drifted_share_lower_bound=found.input.drifted_share_lower_bound,
        output_p_value=found.output.p_value,
        output_drifted_share_lower_bound=found.output.drifted_share_lower_bound,
        degraded=tuple(each.name for each in found.numeric_columns if each.degraded),
    )


def _tell(one: Judged) -> str:
    found = one.assessment
    name = f"{one.name[0].upper()}{one.name[1:]}, {pluralize(len(one.part.rows), 'exchange')}"
    if one.occurred_at:
        name += f", {min(one.occurred_at):%Y-%m-%d} to {max(one.occurred_at):%Y-%m-%d}"
    if not one.is_judged:
        return f"{name}: could not be judged. {found.headline}"
    lost = "".join(f" {remark}" for remark in one.assessed.metrics_not_compared)
    if not found.alarm:
        return f"{name}: no drift.{lost}"
    moved = []
    if is_informative(found.input.drifted_share_lower_bound):
        moved.append(
            f"at least {format_bound(found.input.drifted_share_lower_bound)} of the prompts"
        )
    if is_informative(found.output.drifted_share_lower_bound):
        moved.append(
            f"at least {format_bound(found.output.drifted_share_lower_bound)} of the answers"
        )
    moved += [f"`{each.name}`" for each in found.numeric_columns if each.degraded]
    gone = (
        ""
        if one.part.is_serving
        else " It no longer served when the window ended, so it alarms nobody."
    )
    return f"{name}: drift ({', '.join(moved) or 'significant'}).{gone}{lost}"


def _seed_of(seed: int, version: str) -> int:
    entropy = [seed, zlib.crc32(version.encode())]
    return int(np.random.SeedSequence(entropy).generate_state(1)[0])
