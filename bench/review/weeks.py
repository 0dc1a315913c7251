"""Simulated weeks: traffic with known truth, the batch drawn from it, and its estimates."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

import numpy as np
from numpy.typing import NDArray

from monitor.review.decision.error_rate import (
    ControlSlice,
    TrafficEstimate,
    control_slice,
    estimate_traffic,
)
from monitor.review.sampling.selection import SelectedText, Selection, select_items
from monitor.settings import Review
from monitor.store.review.draws import DrawRow
from monitor.store.windows.sample_scores import SampleScores

TASK_TYPES = ("billing", "cards", "transfers", "complaints")
TASK_SHARES = (0.55, 0.25, 0.15, 0.05)


@dataclass(frozen=True, kw_only=True)
class World:
    """How a week's traffic comes about."""

    name: str
    n_traffic: int = 40_000
    #: Probability with which an exchange of each task type is sampled.
    sampling: tuple[float, ...] = (0.05, 0.05, 0.05, 0.05)
    #: Share of the traffic in each drifted cluster, and its error rate.
    clusters: tuple[tuple[float, float], ...] = ()
    #: Error rate of the rest: of a familiar prompt, and the increase for the most novel one.
    familiar_error: float = 0.07
    novel_error: float = 0.25
    #: Share of the traffic that repeats common texts, and their number.
    repeated: float = 0.0
    n_common: int = 200
    #: Share of the common texts that were queued in an earlier batch.
    queued: float = 0.0
    #: Share of the items that is not decided yet.
    missing: float = 0.0


DRIFTED = World(name="drifted", clusters=((0.05, 0.55), (0.03, 0.4), (0.02, 0.3)))
QUIET = World(name="quiet", familiar_error=0.05, novel_error=0.1)
REPEATED = World(
    name="repeated texts, unequal rates, 5% missing",
    clusters=((0.06, 0.5), (0.02, 0.3)),
    sampling=(0.02, 0.05, 0.05, 0.4),
    repeated=0.4,
    queued=0.5,
    missing=0.05,
)
WORLDS = (DRIFTED, QUIET, REPEATED)


@dataclass(frozen=True)
class Traffic:
    """A week of traffic; arrays ``[n]``."""

    text: NDArray[np.int64]
    task: NDArray[np.int64]
    cluster: NDArray[np.int64]
    novelty: NDArray[np.float64]
    wrong: NDArray[np.bool_]
    #: Texts that were queued before.
    queued: NDArray[np.int64]

    def rates(self) -> dict[str, float]:
        """Return the true error rates: overall (``""``), of task types and of clusters."""
        rates = {"": float(self.wrong.mean())}
        for index, name in enumerate(TASK_TYPES):
            rates[name] = float(self.wrong[self.task == index].mean())
        for cluster in np.unique(self.cluster[self.cluster >= 0]):
            rates[f"cluster {cluster}"] = float(self.wrong[self.cluster == cluster].mean())
        return rates


@dataclass(frozen=True)
class Week:
    """The truth of a week, and the conclusion from its reviews."""

    truth: dict[str, float]
    control: ControlSlice
    estimate: TrafficEstimate
    selection: Selection
    traffic: Traffic = field(repr=False)


def make_traffic(world: World, rng: np.random.Generator) -> Traffic:
    """Draw a week of traffic."""
    n = world.n_traffic
    text = np.arange(n) + world.n_common
    common = rng.random(n) < world.repeated
    popularity = 1.0 / np.arange(1, world.n_common + 1)
    text[common] = rng.choice(
        world.n_common, size=int(common.sum()), p=popularity / popularity.sum()
    )
    m = n + world.n_common
    edges = np.cumsum([share for share, _ in world.clusters])
    rates = np.array([rate for _, rate in world.clusters] + [0.0])
    # A place beyond the last edge is in no cluster; the common texts are known ones.
    place = np.searchsorted(edges, rng.random(m), side="right")
    place[: world.n_common] = len(edges)
    in_cluster = place < len(edges)
    rank = rng.random(m)
    novelty = np.where(in_cluster, rng.normal(2.0, 0.7, m), 3 * rank - 1 + rng.normal(0, 0.3, m))
    task = rng.choice(len(TASK_TYPES), size=m, p=TASK_SHARES)
    error = (
        np.where(in_cluster, rates[place], world.familiar_error + world.novel_error * rank**6)
        * np.array([0.9, 1.0, 1.1, 1.6])[task]
    )
    wrong = rng.random(m) < error
    queued = np.flatnonzero(rng.random(world.n_common) < world.queued)
    cluster = np.where(in_cluster, place, -1)
    return Traffic(text, task[text], cluster[text], novelty[text], wrong[text], queued)


def simulate_week(world: World, review: Review, rng: np.random.Generator) -> Week:
    """Sample a week's traffic, draw its batch, review it without mistakes, and estimate."""
    traffic = make_traffic(world, rng)
    probability = np.array(world.sampling)[traffic.task]
    rows = np.flatnonzero(rng.random(world.n_traffic) < probability)
    scores = SampleScores(rows, traffic.novelty[rows], traffic.cluster[rows], probability[rows])
    selection = select_items(
        scores,
        [str(text) for text in traffic.text[rows].tolist()],
        [TASK_TYPES[task] for task in traffic.task[rows].tolist()],
        review,
        rng,
        known={str(text): int(text) for text in traffic.queued},
    )
    draws = review_without_mistakes(selection, traffic, world.missing, rng)
    estimate = estimate_traffic({1: selection.design}, draws, newest=1)
    return Week(traffic.rates(), control_slice(draws), estimate, selection, traffic)


def review_without_mistakes(
    selection: Selection, traffic: Traffic, missing: float, rng: np.random.Generator
) -> list[DrawRow]:
    """Return the draws with the true verdicts, but for some that are still open."""
    drawn: list[SelectedText] = [*selection.unreviewed, *selection.reused]
    is_open = rng.random(len(drawn)) < missing
    return [
        DrawRow(
            **asdict(text.draw),
            batch_id=1,
            item_id=number,
            queued_in=1 if text.earlier_item is None else 0,
            status="queued" if undecided else "gold",
            verdict=None
            if undecided
            else ("reject" if traffic.wrong[text.exchange_id] else "accept"),
            error_kind="",
            answerable="",
        )
        for number, (text, undecided) in enumerate(zip(drawn, is_open, strict=True))
    ]


def estimates(week: Week) -> dict[str, tuple[float, float, float]]:
    """Return rate and limits by the names that :meth:`Traffic.rates` uses."""
    rates: Mapping[str, object] = {
        "": week.estimate.overall,
        **week.estimate.by_task_type,
        **{f"cluster {cluster}": rate for cluster, rate in week.estimate.by_cluster.items()},
    }
    return {
        name: (rate.rate, rate.lower, rate.upper)  # type: ignore[attr-defined]
        for name, rate in rates.items()
        if rate is not None
    }
