"""The scores of a version beside those of another: headline metrics and a sentence."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Literal

from monitor.store.training.registry import ScoreRow, VersionRow
from retrain.registry.paired_scores import PairedScore

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
    #: Whether one evaluation measured both on the same items.
    same_items: bool

    @property
    def change(self) -> Literal["higher", "lower", "overlapping", ""]:
        """Return how the intervals lie; empty where one is missing or of other items."""
        if self.now is None or self.before is None or not self.same_items:
            return ""
        if self.now.lower > self.before.upper:
            return "higher"
        return "lower" if self.now.upper < self.before.lower else "overlapping"


@dataclass(frozen=True)
class VersionScores:
    """The scores of a version for the list of versions."""

    version: VersionRow
    #: The version that it replaced in production; of one that never was in production, the one that
    #: was when it was registered.
    before: VersionRow | None
    scores: Sequence[ScoreRow]
    headlines: Sequence[ScorePair]

    @property
    def sentence(self) -> str:
        """Say how the headline metrics lie to those of the version that it replaced."""
        compared = [pair.change for pair in self.headlines if pair.change]
        if not self.scores:
            return "No scores measured."
        if self.before is None:
            return "No other version was in production before it: there is none to compare it with."
        name = f"version {self.before.version}, in production before it"
        if not compared:
            return f"Not compared with {name}: no evaluation measured both on the same items."
        counts = [
            f"{compared.count(change)} {change}"
            for change in ("higher", "lower")
            if change in compared
        ]
        if not counts:
            return (
                f"No headline metric differs from {name}, by more than the 95% intervals on the "
                "same items."
            )
        return (
            f"Headline metrics against {name}, on the same items, by 95% intervals that don't "
            f"overlap: {', '.join(counts)}, of {len(compared)}."
        )


def score_version(
    version: VersionRow,
    before: VersionRow | None,
    scores: Sequence[ScoreRow],
    pairs: Sequence[PairedScore],
) -> VersionScores:
    """Return a version with its scores, beside those of the version that it replaced.

    ``pairs`` are the scores of both, of which only those of the same items are compared.
    """
    common = {(p.benchmark, p.stratum, p.metric): p for p in pairs if p.evaluation is not None}
    drawn = []
    for score in scores:
        key = (score.benchmark, score.stratum, score.metric)
        pair = common.get(key)
        if pair is None:
            drawn.append(draw_pair(key, score, None))
        else:
            drawn.append(draw_pair(key, pair.first, pair.second, same_items=True))
    return VersionScores(version, before, scores, _headlines(drawn))


def draw_pair(
    key: tuple[str, str, str],
    now: ScoreRow | None,
    before: ScoreRow | None,
    *,
    same_items: bool = False,
) -> ScorePair:
    """Return two scores of a benchmark, stratum and metric, drawn on one scale; one is known."""
    known = [score for score in (now, before) if score is not None]
    low = min(0.0, *(score.lower for score in known))
    high = max(1.0, *(score.upper for score in known))
    drawn = [None if score is None else _draw(score, low, high) for score in (now, before)]
    return ScorePair(*key, now, before, drawn[0], drawn[1], low, high, same_items)


def _headlines(pairs: Sequence[ScorePair]) -> list[ScorePair]:
    """Return metrics of all items, from each benchmark in turn."""
    overall = [pair for pair in pairs if not pair.stratum and pair.now is not None]
    names = list(dict.fromkeys(pair.benchmark for pair in overall))
    in_turn = zip_longest(*([p for p in overall if p.benchmark == name] for name in names))
    return [pair for pair in chain.from_iterable(in_turn) if pair is not None][:N_HEADLINES]


def _draw(score: ScoreRow, low: float, high: float) -> Whisker:
    scale = WIDTH / (high - low)
    return Whisker(*(round(scale * (x - low), 1) for x in (score.lower, score.value, score.upper)))
