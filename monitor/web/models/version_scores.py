"""The scores of a version beside those of another: headline metrics and a sentence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Literal

from monitor.store.training.registry import ScoreRow, VersionRow

#: Headline metrics of a version.
N_HEADLINES = 4
#: Width of the chart of a metric.
WIDTH = 240.0


@dataclass(frozen=True)
class Whisker:
    """An interval with its point, as x in the chart of a metric."""

    lower: float
    value: float
    upper: float


@dataclass(frozen=True)
class ScorePair:
    """A metric of a version, and of another version on the same benchmark."""

    benchmark: str
    stratum: str
    metric: str
    now: ScoreRow | None
    before: ScoreRow | None
    now_drawn: Whisker | None
    before_drawn: Whisker | None
    #: Ends of the axis of both.
    low: float
    high: float

    @property
    def change(self) -> Literal["higher", "lower", "overlapping", ""]:
        """Return how the intervals lie; empty where one is missing."""
        if self.now is None or self.before is None:
            return ""
        if self.now.lower > self.before.upper:
            return "higher"
        return "lower" if self.now.upper < self.before.lower else "overlapping"


@dataclass(frozen=True)
class VersionScores:
    """The scores of a version for the list of versions."""

    version: VersionRow
    #: The newest version before it with scores.
    before: VersionRow | None
    scores: Sequence[ScoreRow]
    headlines: Sequence[ScorePair]

    @property
    def sentence(self) -> str:
        """Say how the headline metrics lie to those of the version before."""
        compared = [pair.change for pair in self.headlines if pair.change]
        if not self.scores:
            return "Not evaluated yet."
        if self.before is None or not compared:
            return "The first version with these scores: there is none to compare it with."
        counts = [
            f"{compared.count(change)} {change}"
            for change in ("higher", "lower")
            if change in compared
        ]
        if not counts:
            return (
                f"No headline metric differs from version {self.before.version} "
                "by more than the 95% intervals."
            )
        return (
            f"Headline metrics against version {self.before.version}, by 95% intervals that "
            f"don't overlap: {', '.join(counts)}, of {len(compared)}."
        )


def score_versions(
    versions: Sequence[VersionRow], scores: Mapping[int, Sequence[ScoreRow]]
) -> list[VersionScores]:
    """Return the versions, in their order, each beside the one before of its model."""
    rows = []
    for version in versions:
        earlier = [
            other
            for other in versions
            if other.model == version.model
            and other.version < version.version
            and scores.get(other.id)
        ]
        before = max(earlier, key=lambda other: other.version, default=None)
        own = scores.get(version.id, ())
        theirs = scores[before.id] if before is not None else ()
        rows.append(VersionScores(version, before, own, _headlines(pair_scores(own, theirs))))
    return rows


def pair_scores(now: Sequence[ScoreRow], before: Sequence[ScoreRow]) -> list[ScorePair]:
    """Return the scores of two versions side by side, by benchmark, stratum and metric."""
    by_key = [{(s.benchmark, s.stratum, s.metric): s for s in scores} for scores in (now, before)]
    return [
        draw_pair(key, *(scores.get(key) for scores in by_key))
        for key in sorted({*by_key[0], *by_key[1]})
    ]


def draw_pair(
    key: tuple[str, str, str], now: ScoreRow | None, before: ScoreRow | None
) -> ScorePair:
    """Return two scores of a benchmark, stratum and metric, drawn on one scale; one is known."""
    known = [score for score in (now, before) if score is not None]
    low = min(0.0, *(score.lower for score in known))
    high = max(1.0, *(score.upper for score in known))
    drawn = [None if score is None else _draw(score, low, high) for score in (now, before)]
    return ScorePair(*key, now, before, drawn[0], drawn[1], low, high)


def _headlines(pairs: Sequence[ScorePair]) -> list[ScorePair]:
    """Return metrics of all items, from each benchmark in turn."""
    overall = [pair for pair in pairs if not pair.stratum and pair.now is not None]
    names = list(dict.fromkeys(pair.benchmark for pair in overall))
    in_turn = zip_longest(*([p for p in overall if p.benchmark == name] for name in names))
    return [pair for pair in chain.from_iterable(in_turn) if pair is not None][:N_HEADLINES]


def _draw(score: ScoreRow, low: float, high: float) -> Whisker:
    scale = WIDTH / (high - low)
    return Whisker(*(round(scale * (x - low), 1) for x in (score.lower, score.value, score.upper)))
