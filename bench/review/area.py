"""Expert review: what the weekly batch, the estimate, the decision and the page come to.

The drawing, the estimates and the rule are those of production; only traffic and verdicts are
simulated. ``DRIFTWARDEN_BENCH=quick`` makes a tenth of the trials.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import numpy as np
from rich.progress import track

from bench.review.page_latency import Timing, desk, measure
from bench.review.page_server import server_process
from bench.review.remedies import MIXES, POOLED, make_pools, route
from bench.review.search_latency import (
    N_WORDS,
    PAGES,
    SEARCHES,
    indexed_exchanges,
    measure_pages,
    p95,
)
from bench.review.weeks import REPEATED, TASK_TYPES, WORLDS, World, estimates, simulate_week
from bench.review.years import Plan, false_recommendations, rises_found
from monitor.bench.row import Row
from monitor.review.decision.error_rate import estimate_rate
from monitor.settings import Review
from monitor.statistics.intervals import clopper_pearson, student_interval

AREA = "review"
QUICK = os.environ.get("DRIFTWARDEN_BENCH") == "quick"
SEED = 0
WEEKS = 300 if QUICK else 3000
YEARS = 300 if QUICK else 3000
POOLS = 30 if QUICK else 300
ITEMS = 100_000
ROUNDS = 60 if QUICK else 300
#: Exchanges that are searched; users at once, how often each opens a page, and how long they read.
EXCHANGES = 10_000 if QUICK else 100_000
N_USERS, PAGE_ROUNDS, READING_SECONDS = 50, 1 if QUICK else 3, 10.0
SEARCH_ROUNDS = 20 if QUICK else 100

#: Estimates of one week: rate and limits by domain, beside the truth.
Estimates = list[tuple[float, float, float, float]]


def run(data: Path | None) -> Iterator[Row]:
    """Measure everything; the folder of data sets isn't needed."""
    del data
    for world in WORLDS:
        yield from _week_rows(world)
    yield from _year_rows()
    yield from _remedy_rows()
    yield from _desk_rows()
    yield from _search_rows()


def _week_rows(world: World) -> Iterator[Row]:
    estimated: dict[str, Estimates] = {}
    queued_twice = over_budget = 0
    for number in track(range(WEEKS), f"weeks, {world.name}", transient=True):
        week = simulate_week(world, Review(), np.random.default_rng([SEED, number]))
        selected = [*week.selection.unreviewed, *week.selection.reused]
        texts = [text.draw.text_digest for text in selected]
        queued_twice += len(texts) - len(set(texts))
        over_budget += len(week.selection.unreviewed) > Review().weekly_budget
        control = estimate_rate(week.control.errors, week.control.n)
        by_name = {**estimates(week), "control": (control.rate, control.lower, control.upper)}
        for name, (rate, lower, upper) in by_name.items():
            truth = week.truth["" if name == "control" else name]
            estimated.setdefault(name, []).append((truth, rate, lower, upper))
    how = f"{WEEKS} weeks, seeds [{SEED}, k]"
    yield _bias(f"{world.name}: bias of the error rate", estimated[""], how)
    yield _bias(f"{world.name}: bias of the control slice's", estimated["control"], how)
    yield _coverage(f"{world.name}: 95% interval covers", estimated[""], how)
    yield _coverage(f"{world.name}: the control slice's covers", estimated["control"], how)
    for domain in (
        *TASK_TYPES,
        *(name for name in sorted(estimated) if name.startswith("cluster")),
    ):
        yield _coverage(f"{world.name}: {domain}, covers", estimated[domain], how, goal=False)
    yield _spread(f"{world.name}: sd of the rate, all slices / control", estimated, how)
    if world is REPEATED:
        yield _row("texts asked twice", queued_twice, "= 0", queued_twice == 0, how)
        yield _row("batches over budget", over_budget, "= 0", over_budget == 0, how)


def _year_rows() -> Iterator[Row]:
    for error_rate in (0.08, 0.04, 0.15):
        plan, is_goal = Plan(error_rate), error_rate == 0.08
        at = f"error rate at launch {error_rate:.0%}"
        how = f"{YEARS} years, seed {SEED}"
        hits = false_recommendations(plan, YEARS, SEED)
        yield _share(
            f"years with a false recommendation, {at}", hits, YEARS, how,
            at_most=0.20 if is_goal else None,
        )  # fmt: skip
        hits = rises_found(plan, 0.10, 4, YEARS, SEED)
        yield _share(
            f"a rise of 10 points found within 4 weeks, {at}", hits, YEARS, how,
            at_least=0.90 if is_goal else None,
        )  # fmt: skip


def _remedy_rows() -> Iterator[Row]:
    review = Review()
    pools = make_pools(POOLS, review, SEED)
    how = f"{POOLS} pools of {POOLED} weeks, seed {SEED}"
    for mix in MIXES:
        routed = route(pools, mix, review, SEED)
        true_share = float(np.mean([mix.share(pool) for pool in pools]))
        right = routed.retrain if true_share > 0.5 else routed.fix_context
        basis = f"{how}; {true_share:.0%} of the traffic's errors require judgement"
        yield _share(f"{mix.name}: routed rightly", right, POOLS, basis, at_least=0.90)
        yield _share(f"{mix.name}: the share's 95% interval covers", routed.covered, POOLS, how)
        counted = routed.counted_for_training
        right = counted if true_share > 0.5 else POOLS - counted
        yield _share(f"{mix.name}: by counting, unweighted", right, POOLS, how)


def _desk_rows() -> Iterator[Row]:
    with desk(ITEMS) as url, server_process(url) as ours, server_process() as bare:
        for n_users in (1, 2):
            timing = measure(ours, bare, ROUNDS, n_users)
            at_once = f"{n_users} at once" if n_users > 1 else "one reviewer"
            how = (
                f"{len(timing.ours)} items, {ITEMS:,} in PostgreSQL, {at_once}; submit with a "
                "claim and load, two requests, seen from the client"
            )
            p95 = 1000 * float(np.quantile(timing.ours, 0.95))
            goal = 60 if n_users > 1 else 40
            yield Row(
                AREA, f"accept and next, p95, {at_once}", p95, "ms", f"<= {goal}", p95 <= goal,
                f"median {1000 * median(timing.ours):.0f} ms; {how}",
            )  # fmt: skip
            yield Row(
                AREA, f"accept and next, processor time of the server, {at_once}",
                1000 * timing.processor, "ms", "", None, how,
            )  # fmt: skip
            yield _row(
                f"accept and next / three bare Litestar requests, median, {at_once}",
                _ratio(timing, 0.5), "", None,
                f"at the p95 {_ratio(timing, 0.95):.1f}; bare {1000 * median(timing.bare):.1f} ms",
            )  # fmt: skip


def _search_rows() -> Iterator[Row]:
    """Searches of one lead, and every page of many leads at once."""
    with indexed_exchanges(EXCHANGES, N_USERS) as (database, index_seconds):
        yield _row(
            "indexing of an exchange by the leader, ms", 1000 * index_seconds, "", None,
            f"{EXCHANGES:,} exchanges of {N_WORDS} words",
        )  # fmt: skip
        with server_process(database) as page:
            searches = {name: f"/exchanges?{query}" for name, query in SEARCHES.items()}
            alone = measure_pages(page.url, searches, n_users=1, rounds=SEARCH_ROUNDS, pause=0.0)
            for name, seconds in alone.items():
                yield _latency(f"search of {name}", seconds, 200, "one lead")
            everything = {**{path: path for path in PAGES}, **searches}
            crowd = measure_pages(
                page.url, everything, n_users=N_USERS, rounds=PAGE_ROUNDS, pause=READING_SECONDS
            )
            for name, seconds in crowd.items():
                is_page = name in PAGES
                label = f"page {name}" if is_page else f"search of {name}"
                goal = 100 if is_page else 200
                yield _latency(f"{label}, {N_USERS} leads", seconds, goal, f"{N_USERS} leads")


def _latency(name: str, seconds: list[float], goal: float, users: str) -> Row:
    value = p95(seconds)
    n = len(seconds)
    against = f"median {1000 * median(seconds):.0f} ms; {EXCHANGES:,} exchanges, {users}, n = {n}"
    return Row(AREA, f"{name}, p95", value, "ms", f"< {goal:g}", value < goal, against)


def _ratio(timing: Timing, quantile: float) -> float:
    return float(np.quantile(timing.ours, quantile) / np.quantile(timing.bare, quantile))


def _bias(name: str, estimated: Estimates, how: str) -> Row:
    errors = [100 * (rate - truth) for truth, rate, _, _ in estimated]
    bias, interval = float(np.mean(errors)), student_interval(errors)
    low, high = interval or (bias, bias)
    against = f"95% interval {low:+.2f} to {high:+.2f}; {how}"
    return Row(AREA, name, bias, "points", "within 0.3", abs(bias) < 0.3, against)


def _coverage(name: str, estimated: Estimates, how: str, *, goal: bool = True) -> Row:
    hits = sum(lower <= truth <= upper for truth, _, lower, upper in estimated)
    value = hits / len(estimated)
    low, high = clopper_pearson(hits, len(estimated))
    width = 100 * float(np.mean([upper - lower for _, _, lower, upper in estimated]))
    against = f"95% interval {low:.3f} to {high:.3f}; mean width {width:.1f} points; {how}"
    holds = 0.93 <= value <= 0.97 if goal else None
    return Row(AREA, name, value, "", "0.93 to 0.97" if goal else "", holds, against)


def _spread(name: str, estimated: dict[str, Estimates], how: str) -> Row:
    ours, control = (
        100 * float(np.std([rate - truth for truth, rate, _, _ in estimated[which]]))
        for which in ("", "control")
    )
    return _row(name, ours / control, "", None, f"{ours:.2f} / {control:.2f} points; {how}")


def _share(
    name: str,
    hits: int,
    trials: int,
    how: str,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
) -> Row:
    value = hits / trials
    low, high = clopper_pearson(hits, trials)
    against = f"95% interval {low:.3f} to {high:.3f}; {how}"
    if at_least is not None:
        return _row(name, value, f">= {at_least:g}", value >= at_least, against)
    if at_most is not None:
        return _row(name, value, f"<= {at_most:g}", value <= at_most, against)
    return _row(name, value, "", None, against)


def _row(name: str, value: float, goal: str, holds: bool | None, against: str) -> Row:
    return Row(AREA, name, float(value), "", goal, holds, against)
