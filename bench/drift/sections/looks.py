"""Looks: large changes that alarm within 24 hours, and false alarms of years without drift."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.drift.plan import DriftPlan
from monitor.bench.campaign import Campaign
from monitor.bench.figure import Figure, mean, missing, reached_share, share
from monitor.bench.labelled import OUT_OF_SCOPE, Labelled, open_labelled
from monitor.settings import Drift
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.windows.looks.examination import examine
from monitor.windows.looks.levels import look_level

N_DAY = 1_000
N_BASELINE = 7_000
SMALL_BASELINE = 3_000
LOOKS = 365
NEW_SHARE = 0.2
RATE, FALLEN_RATE = 0.60, 0.42
POWER_GOAL = 0.95
#: Designed: the part of the budget that looks spend.
MAX_FALSE_ALARMS = 0.01
#: The change began this long before the last look within 24 hours, as looks are hourly.
HOURS = 23.5
#: Texts of a day need this many samples of the data set.
N_REQUIRED = 3 * N_BASELINE
MONDAY = datetime(2026, 11, 2, tzinfo=UTC)

#: What is new -> number of intents of which it consists.
KINDS = {"out-of-scope": 0, "a new domain": 0, "one new intent": 1, "six new intents": 6}


@dataclass(frozen=True)
class Change:
    """A baseline and a day; what is new in the day, or empty where a metric fell."""

    folder: Path
    kind: str
    seed: int
    n_baseline: int


def change_alarms(task: Change) -> bool:
    """Return whether the last look within 24 hours after the change alarms."""
    data = open_labelled(task.folder)
    rng = np.random.default_rng([task.seed, 7])
    usual, new = data.in_scope, np.empty(0, dtype=np.int64)
    if task.kind:
        new = _new_rows(data, task.kind, rng)
        usual = np.setdiff1d(usual, new)
    n_new = round(NEW_SHARE * N_DAY * HOURS / 24) if task.kind else 0
    order = rng.permutation(usual)
    baseline = order[: task.n_baseline]
    ordinary = order[task.n_baseline :][: N_DAY - n_new]
    day = np.concatenate([ordinary, rng.choice(new, n_new, replace=n_new > len(new))])
    is_late = np.arange(N_DAY) >= round(N_DAY * (1 - HOURS / 24))
    rate = np.where(is_late, RATE if task.kind else FALLEN_RATE, RATE)
    # Empty prompts aren't compared: the metric has its own part of the level in any case.
    prompt = "prompt" if task.kind else ""
    return _alarms(
        _exchanges(
            data, baseline, rng.random(task.n_baseline) < RATE, _users(rng, len(baseline)), prompt
        ),
        _exchanges(data, day, rng.random(N_DAY) < rate, _users(rng, N_DAY), prompt),
        task.seed,
    )


@dataclass(frozen=True)
class Year:
    """Days without drift, whose topics and rates have a rhythm of weekdays and hours."""

    folder: Path
    seed: int


def false_alarms(year: Year) -> float:
    """Return the alarms of the looks of a year, one at a random hour of each day.

    An alarm that lasts counts once.
    """
    data = open_labelled(year.folder)
    rng = np.random.default_rng([year.seed, 8])
    traffic = _Traffic.draw(data, rng)
    reference = traffic.exchanges(-7 * 24, 7 * 24, N_BASELINE, rng)
    alarms, before = 0, False
    for day in range(LOOKS):
        hour = 24 * day + int(rng.integers(24))
        now = _alarms(reference, traffic.exchanges(hour, 24, N_DAY, rng), year.seed + day)
        alarms += now and not before
        before = now
    return float(alarms)


@dataclass(frozen=True)
class _Traffic:
    """End users with favourite topics, whose topics and success change with weekday and hour."""

    data: Labelled
    by_topic: tuple[NDArray[np.int64], ...]
    #: Logarithm of the weight of each topic, by weekday and by hour: ``[7, k]`` and ``[24, k]``.
    weekday: NDArray[np.float64]
    hour: NDArray[np.float64]
    #: Success of each topic, and its change by weekday and by hour.
    success: NDArray[np.float64]
    weekday_success: NDArray[np.float64]
    hour_success: NDArray[np.float64]
    #: Volume of each hour.
    volume: NDArray[np.float64]
    #: Favourite topics of each user, ``[n, 2]``.
    favourites: NDArray[np.int64]

    @classmethod
    def draw(cls, data: Labelled, rng: np.random.Generator) -> "_Traffic":
        """Draw the rhythm: at the weekend about 5% of the traffic has another topic."""
        topics = np.unique(data.topics[data.in_scope])
        k = len(topics)
        weekday = np.zeros((7, k))
        weekday[5:] = 0.15 * rng.standard_normal(k)
        clock = 2 * np.pi * np.arange(24) / 24
        hour = np.outer(np.cos(clock), 0.4 * rng.standard_normal(k))
        return cls(
            data,
            tuple(np.flatnonzero(data.topics == topic) for topic in topics),
            weekday,
            hour,
            np.clip(RATE + 0.1 * rng.standard_normal(k), 0.05, 0.95),
            np.array([0.0, 0.0, 0.0, 0.0, 0.0, -0.03, -0.03]),
            0.05 * np.cos(clock),
            1.0 + 0.8 * np.sin(clock),
            rng.integers(0, k, (4_000, 2)),
        )

    def exchanges(
        self, first_hour: int, n_hours: int, n: int, rng: np.random.Generator
    ) -> Exchanges:
        """Draw exchanges, of which an end user sends 2 on average on each day."""
        hours = np.arange(first_hour, first_hour + n_hours)
        days, of_day = hours // 24, hours % 24
        volume = self.volume[of_day]
        at = rng.choice(n_hours, n, p=volume / volume.sum())
        # A user-day is a draw of a day's users, as many as half of its exchanges.
        users = rng.integers(0, len(self.favourites), (n_hours // 24 + 1, N_DAY // 2))
        user = users[(at // 24), rng.integers(0, N_DAY // 2, n)]
        log_weight = self.weekday[days % 7] + self.hour[of_day]
        weight = np.exp(log_weight)
        chosen = np.array(
            [rng.choice(weight.shape[1], p=row / row.sum()) for row in weight[at]], dtype=np.int64
        )
        has_favourite = rng.random(n) < 0.5
        favourite = self.favourites[user, rng.integers(0, 2, n)]
        topic = np.where(has_favourite, favourite, chosen)
        rows = np.array([rng.choice(self.by_topic[t]) for t in topic])
        rate = (
            self.success[topic] + self.weekday_success[days[at] % 7] + self.hour_success[of_day[at]]
        )
        return _exchanges(
            self.data, rows, rng.random(n) < rate, [f"user-{u}" for u in user], hours=hours[at]
        )


def looks(campaign: Campaign, plan: DriftPlan) -> Iterator[Figure]:
    """Yield the power of looks, and the false alarms of years without drift."""
    goal = campaign.power_goal(POWER_GOAL)
    data = open_labelled(campaign.folder)
    if not plan.look_trials or len(data.in_scope) < N_REQUIRED:
        why = f"left out of --{plan.name}" if not plan.look_trials else "too few samples"
        yield missing("large changes that alarm within 24 hours", why, at_least=goal)
        return
    names = {"": f"a rate falls from {RATE:.2f} to {FALLEN_RATE:.2f}"} | {
        kind: f"{NEW_SHARE:.0%} of the prompts on {kind}" for kind in KINDS
    }
    for kind, name in names.items():
        for n_baseline, wanted in ((N_BASELINE, goal), (SMALL_BASELINE, None)):
            tasks = [
                Change(campaign.folder, kind, campaign.seed + k, n_baseline)
                for k in range(plan.look_trials)
            ]
            hits = campaign.workers.run(
                change_alarms, tasks, label=f"looks: {name}", seconds=plan.row_seconds
            )
            yield reached_share(
                f"{name}, {N_DAY:,} a day, baseline {n_baseline:,}: alarms within 24 hours",
                sum(hits),
                len(hits),
                campaign.seeds(len(hits)),
                at_least=wanted,
            )
    years = campaign.workers.run(
        false_alarms,
        [Year(campaign.folder, campaign.seed + k) for k in range(plan.look_years)],
        label="looks: years without drift",
        seconds=4 * plan.row_seconds,
    )
    if years:
        name = "false alarms of looks in a year, with rhythms of weekdays and hours"
        how = f"{len(years)} years of {LOOKS} looks, {campaign.seeds(len(years))}"
        yield mean(name, years, how, at_most=MAX_FALSE_ALARMS)
        yield share("and years with one", sum(n > 0 for n in years), len(years), how)


def _new_rows(data: Labelled, kind: str, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the rows of what is new: of odd-numbered intents and domains."""
    if kind == "out-of-scope":
        return data.out_of_scope
    labels = data.domains if kind == "a new domain" else data.topics
    known = np.unique(labels[labels != OUT_OF_SCOPE])
    chosen = rng.choice(known[known % 2 == 1], max(KINDS[kind], 1), replace=False)
    return np.flatnonzero(np.isin(labels, chosen))


def _users(rng: np.random.Generator, n: int) -> list[str]:
    return [f"user-{number}" for number in rng.integers(0, 2**40, n)]


def _exchanges(
    data: Labelled,
    rows: NDArray[np.int64],
    resolved: NDArray[np.bool_],
    users: list[str],
    prompt: str = "prompt",
    *,
    hours: NDArray[np.int64] | None = None,
) -> Exchanges:
    n = len(rows)
    at = np.zeros(n, dtype=np.int64) if hours is None else hours
    vectors = np.asarray(data.vectors[rows], dtype=np.float16)
    return Exchanges(
        occurred_at=[MONDAY + timedelta(hours=int(hour)) for hour in at],
        task_types=[""] * n,
        end_users=users,
        prompts=[prompt] * n,
        responses=[""] * n,
        attributes=[{"resolved": bool(value)} for value in resolved],
        inclusion_probability=np.full(n, 0.05),
        prompt_vectors=vectors,
        response_vectors=np.zeros_like(vectors),
    )


def _alarms(reference: Exchanges, current: Exchanges, seed: int) -> bool:
    """Return whether a look alarms at the default settings."""
    drift = Drift()
    result = examine(
        reference,
        current,
        drift=drift,
        alert_threshold=0.1,
        level=look_level(drift.false_alarms_a_year, "hourly"),
        seed=seed,
    )
    return result is not None and bool(result.findings)
