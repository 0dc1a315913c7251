"""Traffic without drift: returning users with favourite topics, weekday and hour cycles.

Users and their habits are drawn once and never change. The mix of topics does, with the day of the
week and the hour, in the same way every week: nothing drifts, and no two days are alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from monitor.bench.labelled import Labelled, open_labelled
from monitor.drift.neighbours.cell_search import nearest_in_cells
from monitor.store.traffic.exchange_columns import Exchanges

#: A Monday.
START = datetime(2026, 1, 5, tzinfo=UTC)
DAY = timedelta(days=1)
N_USERS = 6_000
FAVOURITES = 4
#: Share of the sessions that are about a favourite topic of the user.
FAVOURITE_SHARE = 0.75
#: Share of the messages of a session that are about its topic.
ON_TOPIC = 0.7
#: Mean number of further messages in a session.
FURTHER_MESSAGES = 1.5
#: Standard deviations of the logarithms: activity of users, popularity of topics, the effects of
#: the weekend and of the hour on the popularity of a domain.
ACTIVITY, POPULARITY, WEEKEND, HOUR = 1.0, 0.7, 0.4, 0.4
#: Traffic of a weekend day, as a share of that of a working day.
WEEKEND_TRAFFIC = 0.6
#: A response is one of this many samples nearest to its prompt.
N_NEAR = 10
TEXTS = "texts.json"


@dataclass(frozen=True)
class Habits:
    """The constants of the traffic: users, their topics, and the cycles."""

    data: Labelled
    texts: tuple[str, ...]
    #: int64 ``[n, N_NEAR]``: rows near each row.
    near: NDArray[np.int64]
    #: Rows of each topic.
    rows: tuple[NDArray[np.int64], ...]
    #: Of each user: share of the sessions ``[u]``, and favourite topics ``[u, FAVOURITES]``.
    activity: NDArray[np.float64]
    favourites: NDArray[np.int64]
    #: Share of each topic in each of the two kinds of day and 24 hours ``[2, 24, t]``.
    popularity: NDArray[np.float64]
    #: Share of the traffic of each hour ``[24]``.
    by_hour: NDArray[np.float64]
    #: Logit of the chance that a topic is resolved ``[t]``, and the mood of each user ``[u]``.
    ease: NDArray[np.float64]
    mood: NDArray[np.float64]


def draw_habits(folder: Path, rng: np.random.Generator) -> Habits:
    """Draw users and cycles over the topics of a data set saved with its texts."""
    data, texts, near = _open(folder)
    rows = tuple(
        np.flatnonzero(data.topics == topic) for topic in np.unique(data.topics[data.in_scope])
    )
    n_topics = len(rows)
    domain = np.array([data.domains[own[0]] for own in rows])
    n_domains = int(domain.max()) + 1
    base = rng.lognormal(0.0, POPULARITY, n_topics)
    weekend = rng.normal(0.0, WEEKEND, n_domains)[domain]
    phase = rng.uniform(0.0, 24.0, n_domains)[domain]
    hours = np.arange(24)
    cycle = HOUR * np.sqrt(2.0) * np.cos(2 * np.pi * (hours[:, None] - phase) / 24)
    popularity = base * np.exp(np.stack([cycle, cycle + weekend]))
    by_hour = 1.2 + np.cos(2 * np.pi * (hours - 15) / 24)
    activity = rng.lognormal(0.0, ACTIVITY, N_USERS)
    return Habits(
        data=data,
        texts=texts,
        near=near,
        rows=rows,
        activity=activity / activity.sum(),
        favourites=rng.choice(n_topics, size=(N_USERS, FAVOURITES), p=base / base.sum()),
        popularity=popularity / popularity.sum(axis=2, keepdims=True),
        by_hour=by_hour / by_hour.sum(),
        ease=rng.normal(0.6, 0.5, n_topics),
        mood=rng.normal(0.0, 0.5, N_USERS),
    )


def draw_days(
    habits: Habits, first_day: int, n_days: int, n: int, rng: np.random.Generator
) -> Exchanges:
    """Draw about ``n`` exchanges of consecutive days; day 0 is a Monday."""
    days = np.arange(first_day, first_day + n_days)
    traffic = np.where(days % 7 >= 5, WEEKEND_TRAFFIC, 1.0)
    n_sessions = max(round(n / (1.0 + FURTHER_MESSAGES)), 1)
    user = rng.choice(N_USERS, n_sessions, p=habits.activity)
    day = rng.choice(days, n_sessions, p=traffic / traffic.sum())
    hour = rng.choice(24, n_sessions, p=habits.by_hour)
    shares = habits.popularity[(day % 7 >= 5).astype(np.int64), hour]
    # A favourite is chosen among the user's own by what the hour favours.
    own = np.take_along_axis(shares, habits.favourites[user], axis=1)
    favourite = habits.favourites[user, _choose(own, rng)]
    topic = np.where(rng.random(n_sessions) < FAVOURITE_SHARE, favourite, _choose(shares, rng))
    length = 1 + rng.poisson(FURTHER_MESSAGES, n_sessions)
    session = np.repeat(np.arange(n_sessions), length)
    on_topic = rng.random(len(session)) < ON_TOPIC
    topics = np.where(on_topic, topic[session], _choose(shares[session], rng))
    prompts = np.array([rng.choice(habits.rows[number]) for number in topics])
    responses = habits.near[prompts, rng.integers(N_NEAR, size=len(prompts))]
    minute = np.sort(rng.random(len(session)) * 60)
    times = [
        START + int(day[own]) * DAY + timedelta(hours=int(hour[own]), minutes=float(late))
        for own, late in zip(session, minute, strict=True)
    ]
    return Exchanges(
        prompts=[habits.texts[row] for row in prompts],
        responses=[habits.texts[row] for row in responses],
        end_users=[f"user {number}" for number in user[session]],
        task_types=[f"domain {number}" for number in habits.data.domains[prompts]],
        occurred_at=times,
        attributes=_metrics(habits, user[session], topics, hour[session], rng),
        prompt_vectors=habits.data.vectors[prompts].astype(np.float16),
        response_vectors=habits.data.vectors[responses].astype(np.float16),
    )


def _choose(weights: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Return a column of each row, by its weights."""
    total = weights.cumsum(axis=1)
    drawn = rng.random(len(weights)) * total[:, -1]
    return np.asarray((total < drawn[:, None]).sum(axis=1))


def _metrics(
    habits: Habits,
    user: NDArray[np.int64],
    topic: NDArray[np.int64],
    hour: NDArray[np.int64],
    rng: np.random.Generator,
) -> list[dict[str, Any]]:
    """Return metrics that depend on user, topic and hour: rates, a skewed time, a rare rating."""
    n = len(user)
    quality = habits.ease[topic] + habits.mood[user]
    resolved = rng.random(n) < 1.0 / (1.0 + np.exp(-quality))
    latency = np.exp(6.5 + 4.0 * habits.by_hour[hour] + rng.normal(0.0, 0.6, n))
    rating = np.clip(np.round(3.5 + 0.7 * quality + rng.normal(0.0, 1.0, n)), 1, 5)
    rated = rng.random(n) < 0.2
    error = rng.random(n) < 0.01
    return [
        {
            "resolved": bool(resolved[row]),
            "latency_ms": float(latency[row]),
            "error": bool(error[row]),
            **({"rating": float(rating[row])} if rated[row] else {}),
        }
        for row in range(n)
    ]


def save_texts(texts: Sequence[str], folder: Path) -> None:
    """Write the texts of a saved data set, of which :func:`draw_habits` draws traffic."""
    (folder / TEXTS).write_bytes(msgspec.json.encode(list(texts)))


@lru_cache(maxsize=1)
def _open(folder: Path) -> tuple[Labelled, tuple[str, ...], NDArray[np.int64]]:
    data = open_labelled(folder)
    texts = tuple(msgspec.json.decode((folder / TEXTS).read_bytes(), type=list[str]))
    vectors = np.asarray(data.vectors)
    near = nearest_in_cells(vectors, np.arange(len(vectors)), N_NEAR, np.random.default_rng(0))
    return data, texts, near.index
