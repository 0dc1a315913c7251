"""Turns of the models: the oldest window first, and failures that delay no other model."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, select, update

from monitor.daemon import follow_up as follow_up_module
from monitor.daemon.cycle import Cycle
from monitor.daemon.evaluations import baselines as baselines_module
from monitor.daemon.evaluations import windows as windows_module
from monitor.daemon.evaluations.windows import list_due
from monitor.errors import ChildProcessFailedError, DatabaseUnavailableError
from monitor.scheduling.runner import ProcessRunner
from monitor.settings import Configuration, Drift, Secrets, Settings
from monitor.store.engine import transaction
from monitor.store.tables import DriftEvaluation, Incident, Look
from monitor.store.windows.claims import EvaluationClaim, claim_drift_evaluation
from monitor.store.windows.drift_evaluations import drift_evaluation_of_window
from monitor.windows import evaluation
from monitor.windows.evaluation import LEASE_MARGIN, evaluate_claimed
from monitor.windows.looks.run import run_look
from tests.support.traffic.stored_traffic import store_traffic
from tests.support.windows import child_tasks
from tests.support.windows.assessments import make_assessment, store_evaluation

WEEK, DAY, HOUR = timedelta(days=7), timedelta(days=1), timedelta(hours=1)
LATE = timedelta(minutes=30)


@dataclass
class Tape:
    """A runner that evaluates nothing: it notes each task, and fails those of some models."""

    engine: Engine
    failing: dict[str, str] = field(default_factory=dict)
    ran: list[tuple[str, datetime]] = field(default_factory=list)
    during: Callable[[], None] = lambda: None

    def run(self, task: Callable[..., Any], *arguments: Any, limit: timedelta) -> Any:
        settings: Settings = arguments[0]
        model = settings.model.name
        assert limit == settings.monitoring.max_evaluation_time
        if task is evaluate_claimed:
            claim: EvaluationClaim = arguments[1]
            self.ran.append((model, arguments[2][0]))
            self.during()
            if model not in self.failing:
                with transaction(self.engine) as connection:
                    connection.execute(
                        update(DriftEvaluation)
                        .where(DriftEvaluation.id == claim.evaluation_id)
                        .values(status="done", finished_at=arguments[3])
                    )
        elif task is run_look:
            self.ran.append((model, arguments[1]))
        if model in self.failing:
            raise ChildProcessFailedError("no result", code=self.failing[model])
        if task is run_look:
            return task(self.engine, *arguments, encoder=None)
        return None

    def rest(self) -> None:
        """Keep nothing."""


def fleet(**models: dict[str, Any]) -> Configuration:
    return Configuration(models=models, drift=Drift(n_permutations=1999))


def cycle_of(engine: Engine, tape: Tape, configuration: Configuration, now: datetime) -> Cycle:
    return replace(Cycle.build(engine, configuration, Secrets(), now), evaluations=tape, looks=tape)


def statuses(engine: Engine) -> dict[tuple[str, datetime], tuple[str, str | None]]:
    with transaction(engine) as connection:
        rows = connection.execute(
            select(
                DriftEvaluation.model,
                DriftEvaluation.window_start,
                DriftEvaluation.status,
                DriftEvaluation.error,
            )
        )
        return {(row.model, row.window_start): (row.status, row.error) for row in rows}


def test_oldest_window_of_all_models_comes_first(engine: Engine, clock: datetime) -> None:
    """Ties are broken by name; a week that ends with a day comes before the day."""
    store_traffic(engine, clock + WEEK, 3, seed=1, model="b")
    store_traffic(engine, clock + WEEK, 3, seed=2, model="a")
    store_traffic(engine, clock, 3, seed=3, model="z")
    store_traffic(engine, clock + 2 * WEEK - DAY, 3, seed=4, model="0", days=0.5)
    configuration = fleet(b={}, a={}, z={}, **{"0": {"monitoring": {"drift_detection": "daily"}}})
    tape, now = Tape(engine), clock + 2 * WEEK + LATE
    cycle_of(engine, tape, configuration, now).evaluate(now)
    weeks = [(model, clock + WEEK) for model in ("a", "b", "z")]
    assert tape.ran == [("z", clock), *weeks, ("0", clock + 2 * WEEK - DAY)]


@pytest.mark.parametrize("code", ["time_limit", "killed"])
def test_hanging_model_delays_each_other_once(
    any_engine: Engine, clock: datetime, code: str
) -> None:
    for seed, model in enumerate(("hangs", "other")):
        store_traffic(any_engine, clock, 3, seed=seed, model=model)
    configuration = fleet(hangs={"monitoring": {"drift_detection": "daily"}}, other={})
    tape, now = Tape(any_engine, {"hangs": code}), clock + WEEK + LATE
    cycle = cycle_of(any_engine, tape, configuration, now)
    cycle.evaluate(now)
    assert [model for model, _ in tape.ran] == ["hangs", "other", *["hangs"] * 6]
    assert statuses(any_engine)["hangs", clock] == ("failed", "no result")
    tape.ran.clear()
    cycle.evaluate(now + timedelta(minutes=1))
    assert tape.ran == []
    # A second hang in a row comes after the window that has become due meanwhile.
    later = now + WEEK
    cycle.evaluate(later)
    assert [model for model, _ in tape.ran][:2] == ["other", "hangs"]
    tape.failing.clear()
    tape.ran.clear()
    cycle.evaluate(later + HOUR + LATE)
    assert tape.ran[0] == ("hangs", clock)


def test_time_of_each_claim_is_that_of_its_start(
    engine: Engine, clock: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A claim dated at the start of the run would end while its evaluation still runs."""
    for seed, model in enumerate(("a", "b")):
        store_traffic(engine, clock, 3, seed=seed, model=model)
    now = clock + WEEK + LATE
    times = iter(now + n * HOUR for n in range(100))
    monkeypatch.setattr("monitor.daemon.cycle._clock_from", lambda _now: lambda: next(times))
    cycle_of(engine, Tape(engine), fleet(a={}, b={}), now).evaluate(now)
    with transaction(engine) as connection:
        first, second = connection.execute(
            select(DriftEvaluation.started_at, DriftEvaluation.claimed_until).order_by(
                DriftEvaluation.started_at
            )
        )
    assert second.started_at - first.started_at >= HOUR
    assert second.claimed_until == second.started_at + HOUR + LEASE_MARGIN


def test_window_that_becomes_due_during_hangs_does_not_wait(
    engine: Engine, clock: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seven windows that hang for an hour each take longer than a day."""
    store_traffic(engine, clock, 3, seed=1, model="hangs")
    store_traffic(engine, clock + WEEK, 3, seed=2, model="other", days=0.5)
    time = [clock + WEEK + LATE]
    monkeypatch.setattr("monitor.daemon.cycle._clock_from", lambda _now: lambda: time[0])
    daily = {"monitoring": {"drift_detection": "daily"}}

    def hang() -> None:
        time[0] += 8 * HOUR

    tape = Tape(engine, {"hangs": "time_limit"}, during=hang)
    cycle_of(engine, tape, fleet(hangs=daily, other=daily), time[0]).evaluate(time[0])
    models = [model for model, _ in tape.ran]
    assert models.index("other") == 3


def test_failing_follow_up_stops_no_other_model(
    engine: Engine, clock: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    with transaction(engine) as connection:
        for model in ("a", "b"):
            store_evaluation(connection, make_assessment(0.3, model=model), clock)
    handle = follow_up_module.handle_evaluation

    def fail_for_one(connection: Connection, evaluation_id: int, *rest: Any, **options: Any) -> Any:
        if evaluation_id == 1:
            raise ValueError("broken on purpose")
        return handle(connection, evaluation_id, *rest, **options)

    monkeypatch.setattr(follow_up_module, "handle_evaluation", fail_for_one)
    now = clock + WEEK + LATE
    cycle_of(engine, Tape(engine), fleet(a={}, b={}), now).advance(now)
    with transaction(engine) as connection:
        assert list(connection.execute(select(Incident.model)).scalars()) == ["b"]


def test_lost_leader_evaluates_no_further(engine: Engine, clock: datetime) -> None:
    for seed, model in enumerate(("a", "b")):
        store_traffic(engine, clock, 3, seed=seed, model=model)
    leads = [True]
    tape, now = Tape(engine, during=lambda: leads.__setitem__(0, False)), clock + WEEK + LATE
    cycle_of(engine, tape, fleet(a={}, b={}), now).evaluate(now, lambda: leads[0])
    assert [model for model, _ in tape.ran] == ["a"]


def test_stopped_evaluation_is_due_at_once(any_engine: Engine, clock: datetime) -> None:
    store_traffic(any_engine, clock, 3, seed=1, model="a")
    now = clock + WEEK + LATE
    tape = Tape(any_engine, {"a": "stopped"})
    cycle_of(any_engine, tape, fleet(a={}), now).evaluate(now)
    assert statuses(any_engine)["a", clock] == ("running", None)
    tape = Tape(any_engine)
    cycle_of(any_engine, tape, fleet(a={}), now).evaluate(now + timedelta(seconds=5))
    assert statuses(any_engine)["a", clock] == ("done", None)


def test_short_outage_delays_an_evaluation_by_a_run(engine: Engine, clock: datetime) -> None:
    store_traffic(engine, clock, 3, seed=1, model="a")
    tape, now = Tape(engine), clock + WEEK + LATE
    cycle = cycle_of(engine, tape, fleet(a={}), now)

    def lose() -> None:
        raise DatabaseUnavailableError("away")

    tape.during = lose
    with pytest.raises(DatabaseUnavailableError):
        cycle.evaluate(now)
    tape.during = lambda: None
    cycle.evaluate(now + timedelta(minutes=1))
    assert statuses(engine)["a", clock] == ("done", None)


def test_crashed_daemons_window_comes_last(any_engine: Engine, clock: datetime) -> None:
    """A window that takes all memory kills the daemon with it, time and again."""
    for seed, model in enumerate(("a", "b")):
        store_traffic(any_engine, clock, 3, seed=seed, model=model)
    with transaction(any_engine) as connection:
        claim_drift_evaluation(
            connection, "a", clock, clock + WEEK, seed=1, now=clock + WEEK, lease=HOUR
        )
    settings = fleet(a={}, b={}).by_model
    due = list_due(any_engine, settings, clock + WEEK + HOUR, clock + WEEK)
    assert [window.settings.model.name for window in due] == ["b", "a"]
    due = list_due(any_engine, settings, clock + WEEK + LATE, clock + WEEK)
    assert [window.settings.model.name for window in due] == ["b"]


def test_failed_baseline_waits_and_stops_no_other(
    engine: Engine, clock: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(baselines_module, "baseline_is_due", lambda _engine, _model: True)
    tape = Tape(engine, {"a": "time_limit"})
    seen: list[str] = []
    run = tape.run

    def note(task: Any, *arguments: Any, limit: timedelta) -> Any:
        seen.append(arguments[0].model.name)
        return run(task, *arguments, limit=limit)

    monkeypatch.setattr(tape, "run", note)
    cycle = cycle_of(engine, tape, fleet(a={}, b={}), clock)
    for minutes in (0, 1, 61):
        cycle.evaluate(clock + timedelta(minutes=minutes))
    assert seen == ["a", "b", "b", "a", "b"]


def test_hanging_look_silences_no_other_model(any_engine: Engine, clock: datetime) -> None:
    for seed, model in enumerate(("a", "b")):
        store_traffic(any_engine, clock, 30, seed=seed, model=model, days=1.0)
    until = clock + DAY + 2 * HOUR
    tape = Tape(any_engine, {"a": "time_limit"})
    cycle = cycle_of(any_engine, tape, fleet(a={}, b={}), until)
    cycle.look(until + LATE)
    # The other looks of a wait for the next run, and for those of the other models.
    assert tape.ran == [
        ("a", clock + DAY),
        ("b", clock + DAY),
        ("b", clock + DAY + HOUR),
        ("b", until),
    ]
    with transaction(any_engine) as connection:
        failed = connection.execute(select(Look.provenance).where(Look.status == "failed")).one()
    assert failed.provenance == {"error": "no result"}
    tape.failing.clear()
    tape.ran.clear()
    cycle.look(until + LATE)
    assert tape.ran == [("a", clock + DAY + HOUR), ("a", until)]


def test_stopped_look_stays_due(engine: Engine, clock: datetime) -> None:
    store_traffic(engine, clock, 30, seed=1, model="a", days=1.0)
    tape = Tape(engine, {"a": "stopped"})
    cycle = cycle_of(engine, tape, fleet(a={}), clock + DAY)
    cycle.look(clock + DAY + LATE)
    cycle.look(clock + DAY + LATE, lambda: False)
    tape.failing.clear()
    cycle.look(clock + DAY + LATE)
    assert tape.ran == [("a", clock + DAY)] * 2


def test_child_evaluates_as_this_process_does(
    engine: Engine, clock: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed, model in enumerate(("hangs", "other")):
        store_traffic(engine, clock - WEEK, 120, seed=seed, model=model, baseline=True)
        store_traffic(engine, clock, 120, seed=2 + seed, model=model)
    monkeypatch.setattr(windows_module, "evaluate_claimed", child_tasks.hang_or_evaluate)
    hanging = {"monitoring": {"max_evaluation_time": "2s"}}
    configuration, now = fleet(hangs=hanging, other={}), clock + WEEK + LATE
    runner = ProcessRunner(engine, configuration.embedding, threading.Event())
    built = Cycle.build(engine, configuration, Secrets(), now)
    replace(built, evaluations=runner).evaluate(now)
    status, error = statuses(engine)["hangs", clock]
    assert status == "failed"
    assert "monitoring.max_evaluation_time = 2s" in str(error)
    with transaction(engine) as connection:
        first = drift_evaluation_of_window(connection, "other", clock, clock + WEEK)
    assert first.status == "done"
    monkeypatch.setattr(evaluation, "render_evidently", lambda *_, **__: "<p>report</p>")
    settings = configuration.settings_of("other")
    evaluation.evaluate_window(engine, settings, clock, clock + WEEK, now, again=True)
    with transaction(engine) as connection:
        second = drift_evaluation_of_window(connection, "other", clock, clock + WEEK)
    assert second.assessment == first.assessment
    assert second.seed == first.seed
    # Which libraries for sums are loaded depends on what else a process has imported.
    differing = {
        key
        for key in first.provenance
        if first.provenance[key] != second.provenance[key] and key != "machine"
    }
    assert differing == set()
