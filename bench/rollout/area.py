"""Rollouts: false reverts, time to a revert, time to all traffic, with hourly looks.

Each row simulates whole rollouts through the decision function. ``DRIFTWARDEN_BENCH=quick`` makes
a twenty-fifth of the trials.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy import stats

from bench.rollout.returning import Population
from bench.rollout.through_sql import StoredOutcome, StoredRollout, run_stored_rollout
from bench.rollout.traffic import Traffic
from bench.rollout.trials import DWELL, STAGES, Outcome, Trial, run_rollout
from monitor.bench.row import Row
from monitor.bench.workers import Workers

AREA = "rollout"
QUICK = os.environ.get("DRIFTWARDEN_BENCH") == "quick"
N_TRIALS = 40 if QUICK else 1_000
#: Of rollouts with more traffic, or with users who come back, which take longer.
N_LONG = 8 if QUICK else 300
#: Users come back to one of so many.
N_RETURNING = 8 if QUICK else 200
#: Hours from the start to 100%.
LEAST_HOURS = int(DWELL.total_seconds() / 3600) * (len(STAGES) - 1)

#: Rates of the canary that are worse by exactly the margin of their check.
AT_MARGIN = {"resolved": 0.81, "errors": 0.02, "refusals": 0.03, "latency": 1.0461}

#: Rollouts through the tables, and whether they reach all traffic.
STORED = (
    ("resolved .90 -> .81", Traffic(canary={"resolved": 0.81}), False),
    ("errors 1% -> 3%", Traffic(canary={"errors": 0.03}), False),
    ("refusals 2% -> 6%", Traffic(canary={"refusals": 0.06}), False),
    ("equal", Traffic(), True),
)
N_STORED = 2 if QUICK else 20
ENDED = ("completed", "reverted")

Figure = Callable[[str, Sequence[Outcome]], list[Row]]


@dataclass(frozen=True)
class Case:
    """Rollouts of one kind."""

    name: str
    traffic: Traffic | Population
    figures: tuple[Figure, ...]
    until: int | None = None
    n_trials: int = N_TRIALS


def run(_data: Path | None) -> Iterator[Row]:
    """Measure every case; the short ones first."""
    with Workers(int(os.environ.get("DRIFTWARDEN_BENCH_WORKERS", "0")) or None) as workers:
        for case in cases():
            trials = [Trial(case.traffic, seed, case.until) for seed in range(case.n_trials)]
            outcomes = workers.run(run_rollout, trials, label=case.name)
            for figure in case.figures:
                yield from figure(case.name, outcomes)
        for name, traffic, ends_well in STORED:
            tasks = [StoredRollout(traffic, seed) for seed in range(N_STORED)]
            stored = workers.run(run_stored_rollout, tasks, label=name)
            yield from stored_rows(name, stored, ends_well=ends_well)


def stored_rows(name: str, outcomes: Sequence[StoredOutcome], *, ends_well: bool) -> list[Row]:
    """Return the figures of rollouts through the tables."""
    n = len(outcomes)
    wanted = "completed" if ends_well else "reverted before 25%"
    k = sum(
        outcome.status == "completed" if ends_well else outcome.reverted_before(25)
        for outcome in outcomes
    )
    applied = sum(outcome.is_applied for outcome in outcomes if outcome.status in ENDED)
    ended = sum(outcome.status in ENDED for outcome in outcomes)
    title = f"through SQL, {name}"
    rows = [_share(f"{title}: {wanted}", k, n, at_least=0.9)]
    if ended:
        rows.append(_share(f"{title}: gateway has the end's weights", applied, ended, at_least=1.0))
    return rows


def cases() -> list[Case]:
    """Return all cases."""
    equal = Traffic()
    plain = _changes("", equal)
    few = _changes("100 requests an hour, ", Traffic(requests_an_hour=100), goals=False)
    late = [
        Case(
            f"resolved .90 -> .81 from hour {hour} on",
            Traffic(canary={"resolved": 0.81}, from_hour=hour),
            (_delay(hour),),
            n_trials=N_LONG,
        )
        for hour in (60, 110)
    ]
    users = Traffic(requests_a_user=10, correlation=0.2)
    moving = Traffic(stable={"resolved": 0.92}, moving_to={"resolved": 0.86})
    returning = [
        Case(f"equal, {name}", population, (_reverted(None, at_most=0.05),), None, N_RETURNING)
        for name, population in (
            ("1,000 users, one in five back each hour", Population()),
            ("10,000 users, one in 50 back each hour", Population(10_000, 0.02)),
        )
    ]
    rated = Traffic(feedback=0.1)
    feedback = [
        Case("equal, late feedback", rated, (_reverted(None, at_most=0.05),), None, N_LONG),
        *[
            Case(
                f"late feedback .80 -> {rate:g}",
                replace(rated, canary={"feedback": rate}),
                (_reverted(None), _hours()),
                None,
                N_RETURNING,
            )
            for rate in (0.6, 0.7)
        ],
    ]
    unaware = replace(Population(), with_past=False)
    fast = Traffic(requests_an_hour=10_000)
    return [
        *plain,
        Case("equal", equal, (_reverted(None, at_most=0.05), _completed(goals=True))),
        Case("equal, users of 10 requests (ICC .2)", users, (_reverted(None, at_most=0.05),)),
        Case("equal, base rate .92 -> .86", moving, (_reverted(None, at_most=0.05),)),
        Case("equal, 20 checks", Traffic(n_more_checks=12), (_reverted(None, at_most=0.05),)),
        *_changes("users of 10 requests (ICC .2), ", users, goals=False)[:2],
        *few,
        Case(
            "100 requests an hour, equal",
            Traffic(requests_an_hour=100),
            (_reverted(None, at_most=0.05), _completed(goals=False)),
        ),
        *[
            replace(case, n_trials=N_LONG)
            for case in _changes("10,000 requests an hour, ", fast, goals=False)
        ],
        Case(
            "10,000 requests an hour, equal",
            fast,
            (_reverted(None, at_most=0.05), _completed(goals=False)),
            n_trials=N_LONG,
        ),
        *late,
        *feedback,
        *returning,
        Case(
            "equal, 1,000 users, history not used", unaware, (_reverted(None),), None, N_RETURNING
        ),
    ]


def _changes(prefix: str, traffic: Traffic, *, goals: bool = True) -> list[Case]:
    """Return the cases of a canary that is worse."""
    least = 0.99 if goals else None
    most = 0.95 if goals else None
    worse = [
        (
            "resolved .90 -> .81",
            {"resolved": 0.81},
            25,
            (_reverted(25, at_least=least), _hours(goals)),
        ),
        ("resolved .90 -> .855", {"resolved": 0.855}, 50, (_reverted(50, at_least=most), _hours())),
        ("errors 1% -> 3%", {"errors": 0.03}, 25, (_reverted(25, at_least=most), _hours())),
        ("refusals 2% -> 6%", {"refusals": 0.06}, 25, (_reverted(25, at_least=most), _hours())),
    ]
    cases = [
        Case(f"{prefix}{name}", replace(traffic, canary=canary), figures, until)
        for name, canary, until, figures in worse
    ]
    at_margin = AT_MARGIN if goals else {"refusals": AT_MARGIN["refusals"]}
    return cases + [
        Case(
            f"{prefix}{name} worse by the margin",
            replace(traffic, canary={name: rate}),
            (_advanced,),
            25,
        )
        for name, rate in at_margin.items()
    ]


def _reverted(
    before: int | None, *, at_most: float | None = None, at_least: float | None = None
) -> Figure:
    """Return the figure of the share that was reverted before a stage, or ever."""

    def figure(name: str, outcomes: Sequence[Outcome]) -> list[Row]:
        k = sum(outcome.reverted_before(before or 101) for outcome in outcomes)
        text = f"{name}: reverted" + (f" before {before}%" if before else "")
        return [_share(text, k, len(outcomes), at_most=at_most, at_least=at_least)]

    return figure


def _advanced(name: str, outcomes: Sequence[Outcome]) -> list[Row]:
    k = sum(outcome.end == "advance" for outcome in outcomes)
    reverted = sum(outcome.end == "revert" for outcome in outcomes)
    note = f"{reverted} reverted, {len(outcomes) - k - reverted} asked a user"
    return [_share(f"{name}: first stage advanced", k, len(outcomes), at_most=0.05, note=note)]


def _hours(with_goal: bool = False) -> Figure:
    """Return the figure of the hours to the revert."""

    def figure(name: str, outcomes: Sequence[Outcome]) -> list[Row]:
        hours = [outcome.hours for outcome in outcomes if outcome.end == "revert"]
        return [_median(f"{name}: hours to the revert", hours, 4.0 if with_goal else None)]

    return figure


def _delay(from_hour: int) -> Figure:
    """Return the figure of the hours from the change to the revert."""

    def figure(name: str, outcomes: Sequence[Outcome]) -> list[Row]:
        hours = [o.hours - from_hour for o in outcomes if o.end == "revert" and o.hours > from_hour]
        done = sum(o.end == "advance" for o in outcomes)
        return [
            _share(f"{name}: completed", done, len(outcomes)),
            _median(f"{name}: hours from then to the revert", hours, None),
        ]

    return figure


def _completed(*, goals: bool) -> Figure:
    """Return the figures of the rollouts that reach all traffic without a user."""

    def figure(name: str, outcomes: Sequence[Outcome]) -> list[Row]:
        hours = [o.stage_hours[100] for o in outcomes if 100 in o.stage_hours]
        open_checks = [check for o in outcomes if o.end == "ask" for check in set(o.reasons)]
        counts = {check: open_checks.count(check) for check in sorted(set(open_checks))}
        note = f"a user is asked for: {counts}" if counts else ""
        least = 0.95 if goals else None
        share = _share(
            f"{name}: reaches 100%", len(hours), len(outcomes), at_least=least, note=note
        )
        limit = 1.1 * LEAST_HOURS if goals else None
        return [share, _median(f"{name}: hours to 100%", hours, limit)]

    return figure


def _share(
    name: str,
    k: int,
    n: int,
    *,
    at_most: float | None = None,
    at_least: float | None = None,
    note: str = "",
) -> Row:
    interval = stats.binomtest(k, n).proportion_ci(0.95, method="exact")
    against = f"{k} of {n} rollouts, 95% interval {interval.low:.3g} to {interval.high:.3g}"
    goal, holds = "", None
    if at_most is not None:
        goal, holds = f"<= {at_most:g}", k / n <= at_most
    elif at_least is not None:
        goal, holds = f">= {at_least:g}", k / n >= at_least
    return Row(AREA, name, k / n, "", goal, holds, f"{against}; {note}" if note else against)


def _median(name: str, hours: Sequence[int], at_most: float | None) -> Row:
    if not hours:
        return Row(AREA, name, None, "h", "", None, "none")
    median, latest = (float(np.quantile(hours, q)) for q in (0.5, 0.9))
    goal = f"<= {at_most:g} h" if at_most is not None else ""
    holds = None if at_most is None else median <= at_most
    return Row(
        AREA, name, median, "h", goal, holds, f"90% within {latest:g} h, {len(hours)} rollouts"
    )
