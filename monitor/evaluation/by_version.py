"""A window in which several versions answered: each is judged, and one speaks for the window.

What pages somebody is what serves now. So the figures are those of a version that still served when
the window ended: one that alarms before one that doesn't, then the one with most exchanges. Where
none of these has enough data, the figures are those of one that served before: they are the newest
that there are. The others are told beside it. Versions that may alarm share the level of the tests
(Bonferroni), so that a week of two versions doesn't alarm more often than a week of one.
"""

import math
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import numpy as np
from msgspec.structs import replace

from monitor.counting import counted
from monitor.evaluation.assess import Assessed
from monitor.evaluation.versions import Part
from monitor.settings import Drift
from monitor.store.assessment import Assessment, VersionAssessment


@dataclass(frozen=True)
class Judged:
    """A part of a window with what was found."""

    part: Part
    #: When its exchanges took place; empty where that isn't known.
    occurred_at: Sequence[datetime]
    assessed: Assessed
    #: Digest of what it was compared with; empty where there was nothing.
    baseline: str
    #: Whether that is a baseline of this version.
    own_baseline: bool


Found = TypeVar("Found", bound=Judged)


def judge_versions(
    parts: Sequence[Part],
    judge: Callable[[Part, Drift, int], Found],
    *,
    drift: Drift,
    seed: int,
    n_window: int,
) -> tuple[Found, Assessed]:
    """Judge each version's part of a window.

    Args:
        parts: The window by version; of a single one the findings are returned as they are.
        judge: Judges a part at the settings and with the seed that it gets.
        drift: The settings of a window of one version.
        seed: The window's.
        n_window: Exchanges of the window.

    Returns:
        The part that speaks for the window, and the assessment of the window.
    """
    if len(parts) == 1:
        only = judge(parts[0], drift, seed)
        return only, only.assessed
    n_serving = sum(part.serves and len(part.rows) >= drift.minimum_samples for part in parts)
    shared = share_level(drift, n_serving)
    judged = [judge(part, shared, _seed_of(seed, part.version)) for part in parts]
    speaker = max(judged, key=_claim_to_speak)
    return speaker, _combine(judged, speaker, n_window)


def share_level(drift: Drift, n_tested: int) -> Drift:
    """Return the settings at a level that several tests share, with permutations that reach it."""
    alpha = drift.alpha / max(n_tested, 1)
    least = math.ceil(1 / alpha)
    return drift.model_copy(
        update={"alpha": alpha, "n_permutations": max(drift.n_permutations, least)}
    )


def _claim_to_speak(one: Judged) -> tuple[bool, bool, bool, int]:
    assessment = one.assessed.assessment
    is_judged = assessment.verdict != "not_enough_data"
    serves = one.part.serves
    return is_judged, serves, serves and assessment.alarm, len(one.part.rows)


def _combine(judged: Sequence[Judged], speaker: Judged, n_window: int) -> Assessed:
    novelty = np.zeros(n_window)
    cluster = np.full(n_window, -1, dtype=np.int64)
    for one in judged:
        novelty[one.part.rows] = one.assessed.novelty
    cluster[speaker.part.rows] = speaker.assessed.cluster  # topics are those of the speaker
    assessment = speaker.assessed.assessment
    versions = tuple(_version(one, shown=one is speaker) for one in judged)
    estimates = [one.assessed.assessment.estimated_current for one in judged]
    told = [_tell(one) for one in versions if not one.shown]
    whose = f"Version {speaker.part.version or 'unknown'}"
    until = "" if speaker.part.serves else f", until {max(speaker.occurred_at):%Y-%m-%d}"
    combined = replace(
        assessment,
        headline=(
            f"{whose} ({len(speaker.part.rows):,} of {counted(n_window, 'exchange')}{until}): "
            f"{assessment.headline}"
        ),
        n_current=n_window,
        estimated_current=None if None in estimates else sum(filter(None, estimates)),
        remarks=(*told, *assessment.remarks),
        versions=versions,
    )
    return Assessed(combined, novelty, cluster, speaker.assessed.scalars)


def _version(one: Judged, *, shown: bool) -> VersionAssessment:
    found: Assessment = one.assessed.assessment
    return VersionAssessment(
        version=one.part.version,
        first=min(one.occurred_at, default=None),
        last=max(one.occurred_at, default=None),
        n_current=len(one.part.rows),
        estimated_current=found.estimated_current,
        baseline=one.baseline,
        own_baseline=one.own_baseline,
        serves=one.part.serves,
        shown=shown,
        verdict=found.verdict,
        alarm=found.alarm and (one.part.serves or shown),
        input_p_value=found.input.p_value,
        input_mass_lower_bound=found.input.mass_lower_bound,
        output_p_value=found.output.p_value,
        output_mass_lower_bound=found.output.mass_lower_bound,
        degraded=tuple(each.name for each in found.characteristics if each.degraded),
    )


def _tell(one: VersionAssessment) -> str:
    name = f"Version {one.version or 'unknown'}, {counted(one.n_current, 'exchange')}"
    if one.first is not None:
        name += f", {one.first:%Y-%m-%d} to {one.last:%Y-%m-%d}"
    if one.verdict == "not_enough_data":
        return f"{name}: could not be judged by itself."
    if one.verdict == "no_drift":
        return f"{name}: no drift."
    moved = []
    if one.input_mass_lower_bound > 0:
        moved.append(f"at least {one.input_mass_lower_bound:.0%} of the prompts")
    if one.output_mass_lower_bound > 0:
        moved.append(f"at least {one.output_mass_lower_bound:.0%} of the answers")
    moved += [f"`{metric}`" for metric in one.degraded]
    gone = "" if one.serves else " It no longer served when the window ended, so it alarms nobody."
    return f"{name}: drift ({', '.join(moved) or 'significant'}).{gone}"


def _seed_of(seed: int, version: str) -> int:
    entropy = [seed, zlib.crc32(version.encode())]
    return int(np.random.SeedSequence(entropy).generate_state(1)[0])
