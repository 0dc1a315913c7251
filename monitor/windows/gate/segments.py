"""Segments: both sides compared within each value of a column, at shared levels.

The whole window has one half of the levels, and the segments with enough data share the other half
(Bonferroni): the expected number of false alarms is that of a window without segments. Levels are
shared, not stepped down by Holm: topics and the verdict of a comparison are of the level that it is
given.
"""

import math
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.drift import MixComparison, compare_mix
from monitor.statistics.alarm_levels import AlarmLevels
from monitor.store.traffic.exchange_columns import Exchanges, count_users
from monitor.store.windows.assessment import SegmentAssessment, Segmentation, ShareEstimate
from monitor.windows.comparison.window_comparison import MIN_END_USERS
from monitor.windows.findings.findings import Findings
from monitor.windows.findings.sentences.headline import compose_headline

#: Independent of the streams of a comparison.
MIX_STREAM = 7
#: Parts of the levels: one for the whole window, one for its segments.
PARTS = 2

#: Compares a segment's exchanges of both sides at these levels, with this seed.
CompareSegment = Callable[[Exchanges, Exchanges, AlarmLevels, int], Findings]


@dataclass(frozen=True)
class SegmentedSide:
    """A side of a comparison, with the segment of each exchange."""

    window: Exchanges
    labels: Sequence[str]

    def rows(self, name: str) -> NDArray[np.int64]:
        """Return the rows of a segment."""
        return np.flatnonzero([label == name for label in self.labels]).astype(np.int64)


def compare_segments(
    reference: SegmentedSide,
    current: SegmentedSide,
    column: str,
    *,
    levels: AlarmLevels,
    min_samples: int,
    seed: int,
    compare: CompareSegment,
) -> Segmentation:
    """Compare each segment; those with too little data of a side are not tested.

    ``levels`` are those of all segments together.
    """
    names = sorted({*reference.labels, *current.labels})
    sides = {name: _take(reference, current, name) for name in names}
    n_tested = sum(_is_testable(*pair, min_samples) for pair in sides.values())
    shared = levels.share(n_tested)
    segments = [
        _assess(
            name,
            pair,
            compare(*pair, shared, _segment_seed(seed, name)),
            (len(reference.labels), len(current.labels)),
        )
        for name, pair in sides.items()
    ]
    mix = _compare_mix(reference, current, seed) if len(names) > 1 else None
    return Segmentation(
        column=column,
        levels=shared,
        segments=tuple(sorted(segments, key=_severity)),
        mix_p_value=None if mix is None or math.isnan(mix.p_value) else mix.p_value,
        mix_moved_share=None
        if mix is None or math.isnan(mix.moved_share)
        else ShareEstimate.of(mix.moved_share, mix.moved_share_interval),
    )


def _take(
    reference: SegmentedSide, current: SegmentedSide, name: str
) -> tuple[Exchanges, Exchanges]:
    return (
        reference.window.take(reference.rows(name)),
        current.window.take(current.rows(name)),
    )


def _is_testable(reference: Exchanges, current: Exchanges, min_samples: int) -> bool:
    return all(
        len(side) >= min_samples and count_users(side.end_users) >= MIN_END_USERS
        for side in (reference, current)
    )


def _assess(
    name: str, sides: tuple[Exchanges, Exchanges], findings: Findings, totals: tuple[int, int]
) -> SegmentAssessment:
    n_reference, n_current = map(len, sides)
    return SegmentAssessment(
        name=name,
        n_reference=n_reference,
        n_current=n_current,
        share_reference=n_reference / max(totals[0], 1),
        share_current=n_current / max(totals[1], 1),
        verdict=findings.verdict,
        alarm=findings.alarm,
        headline=compose_headline(findings.sentences),
        input_p_value=findings.input.p_value,
        input_drifted_share=findings.input.drifted_share,
        output_p_value=findings.output.p_value,
        output_drifted_share=findings.output.drifted_share,
        degraded=tuple(column.name for column in findings.numeric_columns if column.degraded),
    )


def _severity(segment: SegmentAssessment) -> tuple[bool, bool, float, int, str]:
    """Return the order: alarms, then untested segments, each by what they hold."""
    shares = (segment.input_drifted_share, segment.output_drifted_share)
    drifted = max((share.estimate for share in shares if share is not None), default=0.0)
    is_untested = segment.verdict == "not_enough_data"
    return (
        not segment.alarm,
        not is_untested,
        -drifted,
        -segment.n_current,
        segment.name,
    )


def _compare_mix(
    reference: SegmentedSide, current: SegmentedSide, seed: int
) -> MixComparison | None:
    if not reference.labels or not current.labels:
        return None
    return compare_mix(
        reference.labels,
        current.labels,
        reference_groups=reference.window.end_users,
        current_groups=current.window.end_users,
        rng=np.random.default_rng([seed, MIX_STREAM]),
    )


def _segment_seed(seed: int, name: str) -> int:
    entropy = [seed, PARTS, zlib.crc32(name.encode())]
    return int(np.random.SeedSequence(entropy).generate_state(1)[0])
