"""Baseline of a promoted version, from its own traffic."""

from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine, insert, select, update

from monitor.daemon.cycle import Cycle
from monitor.settings import Alerts, Drift, ModelSection, Retrain, Secrets, Settings
from monitor.store.alerts.outbox import list_messages
from monitor.store.engine import snapshot, transaction
from monitor.store.privacy.deletion import (
    delete_empty_baseline,
    delete_exchanges,
    exchanges_of_baseline,
)
from monitor.store.tables import DriftEvaluation, Exchange
from monitor.store.traffic.baselines import BaselineRow, list_baselines
from monitor.store.traffic.exchanges import load_baseline, load_window
from monitor.store.training.baseline_plans import latest_baseline_plan, pending_baseline_plan
from monitor.store.windows.drift_evaluations import DriftEvaluationRow, drift_evaluation_by_id
from monitor.windows import evaluation
from monitor.windows.reading.baselines import Baselines
from monitor.windows.versions.planned_baseline import advance_baseline, equal_sample
from retrain.registry.stages import promote, register_version, roll_back
from tests.support.traffic.stored_traffic import ENCODER, TopicEncoder, store_traffic
from tests.support.windows.due_evaluations import evaluate_due_windows

WEEK, DAY = timedelta(days=7), timedelta(days=1)
MODEL = "assistant"
SETTINGS = Settings(drift=Drift(n_permutations=999))


@pytest.fixture(autouse=True)
def _no_evidently(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "render_evidently", lambda *_, **__: "<p>report</p>")


class Model:
    """A model whose first version has a baseline, with single steps of the daemon."""

    def __init__(self, engine: Engine, now: datetime) -> None:
        self.engine = engine
        self.now = now
        self.first = store_traffic(engine, now, 600, seed=1, baseline=True)
        self.first = self.register(now)
        self.promote(self.first, now)

    def register(self, now: datetime) -> int:
        with transaction(self.engine) as connection:
            return register_version(
                connection, model=MODEL, adapter_path="a", adapter_digest="d", lineage={}, now=now
            )

    def promote(self, version_id: int, now: datetime) -> None:
        with transaction(self.engine) as connection:
            promote(connection, version_id, changed_by="lea", reason="better", now=now)

    def evaluate(self, now: datetime) -> list[DriftEvaluationRow]:
        """Evaluate the due windows, then follow the version, like the daemon."""
        ran = evaluate_due_windows(self.engine, SETTINGS, now, encoder=TopicEncoder)
        advance_baseline(self.engine, SETTINGS, now, TopicEncoder)
        with transaction(self.engine) as connection:
            return [drift_evaluation_by_id(connection, entry) for entry in ran]

    def evaluate_with_findings(self, now: datetime, settings: Settings = SETTINGS) -> None:
        """Evaluate the week that ends, with arbitrary findings."""
        self.note_judged(now)
        advance_baseline(self.engine, settings, now, TopicEncoder)

    def note_judged(self, now: datetime, length: timedelta = WEEK) -> None:
        with transaction(self.engine) as connection:
            connection.execute(
                insert(DriftEvaluation).values(
                    model=MODEL, window_start=now - length, window_end=now, status="done", seed=1,
                    provenance={}, started_at=now, claimed_until=now,
                )
            )  # fmt: skip

    def compared_with(self, version: str) -> int | None:
        """Return the baseline of a version's window."""
        result = Baselines(self.engine, MODEL, ENCODER, TopicEncoder, self.now).of(version)
        return result.baseline.id if result.baseline and result.rows is not None else None

    def baselines(self) -> list[BaselineRow]:
        with transaction(self.engine) as connection:
            return list_baselines(connection, MODEL)


@pytest.fixture
def model(any_engine: Engine, clock: datetime) -> Model:
    return Model(any_engine, clock)


traffic = partial(store_traffic, days=7.0)


def test_the_first_whole_week_of_a_version_becomes_its_baseline(
    model: Model, clock: datetime
) -> None:
    """Version 2 responds differently: it alarms once, then it is the baseline."""
    two = model.register(clock)
    model.promote(two, clock + 3 * DAY)
    traffic(model.engine, clock, 300, seed=2, days=3)
    traffic(model.engine, clock + 3 * DAY, 300, seed=3, days=4, changed_share=0.3)
    traffic(model.engine, clock + WEEK, 400, seed=4, changed_share=0.3)
    traffic(model.engine, clock + 2 * WEEK, 400, seed=5, changed_share=0.3)
    (mixed,) = model.evaluate(clock + WEEK)
    assert [version.version for version in mixed.assessment.versions] == ["1", "2"]
    assert [baseline.id for baseline in model.baselines()] == [model.first]  # no whole week yet
    (own_week,) = model.evaluate(clock + 2 * WEEK)
    assert (own_week.baseline_id, own_week.verdict) == (model.first, "drift")
    made, before = model.baselines()
    assert (made.model_version, made.n_exchanges, before.id) == ("2", 400, model.first)
    with transaction(model.engine) as connection:
        plan = latest_baseline_plan(connection, two)
        assert plan is not None
        assert (plan.baseline_id, plan.closed_at) == (made.id, clock + 2 * WEEK)
        assert pending_baseline_plan(connection, MODEL) is None
    (next_week,) = model.evaluate(clock + 3 * WEEK)
    assert (next_week.baseline_id, next_week.verdict) == (made.id, "no_drift")


def test_daily_windows_wait_for_a_week(model: Model, clock: datetime) -> None:
    """A baseline of one day would make an alarm of every weekend."""
    model.promote(model.register(clock), clock)
    traffic(model.engine, clock, 420, seed=2)
    for day in range(1, 7):
        model.note_judged(clock + day * DAY, DAY)
        advance_baseline(model.engine, SETTINGS, clock + day * DAY, TopicEncoder)
    assert len(model.baselines()) == 1
    model.note_judged(clock + WEEK, DAY)
    advance_baseline(model.engine, SETTINGS, clock + WEEK, TopicEncoder)
    made = max(model.baselines(), key=lambda baseline: baseline.id)
    assert made.n_exchanges == 420


def test_baseline_plan_and_promotion_are_stored_together(model: Model, clock: datetime) -> None:
    two = model.register(clock)

    def promote_and_die() -> None:
        with transaction(model.engine) as connection:
            promote(connection, two, changed_by="lea", reason="better", now=clock)
            assert latest_baseline_plan(connection, two) is not None
            raise RuntimeError

    with pytest.raises(RuntimeError):
        promote_and_die()
    with transaction(model.engine) as connection:
        assert latest_baseline_plan(connection, two) is None
        plan = pending_baseline_plan(connection, MODEL)
        assert plan is not None
        assert plan.version_id == model.first


def test_no_window_is_without_a_baseline(model: Model, clock: datetime) -> None:
    """From the promotion on: first the newest baseline, then the version's own."""
    traffic(model.engine, clock, 200, seed=10)
    model.evaluate_with_findings(clock + WEEK)
    entry = model.baselines()[0].id
    assert model.compared_with("1") == entry
    model.promote(model.register(clock + WEEK), clock + WEEK)
    assert model.compared_with("2") == entry
    traffic(model.engine, clock + WEEK, 200, seed=11)
    assert model.compared_with("2") == entry
    model.evaluate_with_findings(clock + 2 * WEEK)
    own = model.baselines()[0].id
    assert (model.compared_with("1"), model.compared_with("2")) == (entry, own)
    assert model.compared_with("3") == own
    assert [baseline.model_version for baseline in model.baselines()] == ["2", "1", ""]


def test_too_little_traffic_is_waited_over(model: Model, clock: datetime) -> None:
    model.promote(model.register(clock), clock)
    traffic(model.engine, clock, 40, seed=2)
    traffic(model.engine, clock + WEEK, 300, seed=3)
    model.evaluate_with_findings(clock + WEEK)
    assert len(model.baselines()) == 1
    model.evaluate_with_findings(clock + 2 * WEEK)
    assert [baseline.n_exchanges for baseline in model.baselines()] == [300, 600]


def test_a_planned_baseline_has_the_version_name_of_the_traffic(
    model: Model, clock: datetime
) -> None:
    traffic(model.engine, clock, 300, seed=2, version="ft-1")
    model.evaluate_with_findings(clock + WEEK)  # the first version's own
    model.promote(model.register(clock), clock + WEEK)
    traffic(model.engine, clock + WEEK, 300, seed=3, version="ft-2")
    model.evaluate_with_findings(clock + 2 * WEEK)
    assert [baseline.model_version for baseline in model.baselines()] == ["ft-2", "ft-1", ""]
    assert model.compared_with("ft-2") == model.baselines()[0].id


def test_traffic_of_the_old_version_makes_no_baseline(model: Model, clock: datetime) -> None:
    """A drifted week of the old version must not become the new baseline."""
    traffic(model.engine, clock - WEEK, 300, seed=2, version="ft-1")
    model.promote(model.register(clock), clock)
    traffic(model.engine, clock, 300, seed=3, version="ft-1", new_share=0.4)
    model.evaluate_with_findings(clock + WEEK)
    assert len(model.baselines()) == 1
    traffic(model.engine, clock + WEEK, 300, seed=4, version="ft-2")
    model.evaluate_with_findings(clock + 2 * WEEK)
    assert [baseline.model_version for baseline in model.baselines()] == ["ft-2", ""]


def test_a_version_that_serves_again_keeps_its_own(model: Model, clock: datetime) -> None:
    traffic(model.engine, clock, 300, seed=2)
    model.evaluate_with_findings(clock + WEEK)
    model.promote(model.register(clock), clock + WEEK)
    with transaction(model.engine) as connection:
        roll_back(connection, MODEL, changed_by="lea", reason="worse", now=clock + WEEK + DAY)
    traffic(model.engine, clock + WEEK, 300, seed=3)
    traffic(model.engine, clock + 2 * WEEK, 300, seed=4)
    model.evaluate_with_findings(clock + 2 * WEEK)
    model.evaluate_with_findings(clock + 3 * WEEK)
    assert [baseline.model_version for baseline in model.baselines()] == ["1", ""]
    assert model.compared_with("1") == model.baselines()[0].id
    with transaction(model.engine) as connection:
        assert pending_baseline_plan(connection, MODEL) is None


def test_a_baseline_that_a_user_imported_counts(model: Model, clock: datetime) -> None:
    model.promote(model.register(clock), clock)
    own = store_traffic(model.engine, clock + DAY, 400, seed=9, baseline=True, version="2")
    traffic(model.engine, clock, 300, seed=2)
    model.evaluate_with_findings(clock + WEEK)
    assert model.compared_with("2") == own
    assert len(model.baselines()) == 2
    with transaction(model.engine) as connection:
        assert pending_baseline_plan(connection, MODEL) is None


def test_rates_that_differ_are_evened_out(any_engine: Engine, clock: datetime) -> None:
    """A task type sampled at ten times the rate counts no more in the baseline."""
    traffic(any_engine, clock, 3000, seed=2)
    with transaction(any_engine) as connection:
        connection.execute(
            update(Exchange).where(Exchange.task_type == "loans").values(inclusion_probability=0.5)
        )
        ids = connection.execute(select(Exchange.id)).scalars().all()
        rng = np.random.default_rng(3)
        for entry in ids:
            connection.execute(
                update(Exchange)
                .where(Exchange.id == entry)
                .values(randomness=int(rng.integers(0, 1 << 56)))
            )
    with snapshot(any_engine) as connection:
        rows = load_window(connection, MODEL, clock, clock + WEEK)
    remaining = rows.take(equal_sample(rows, 20_000))
    n_loans = rows.task_types.count("loans")
    assert remaining.task_types.count("loans") == pytest.approx(n_loans / 10, rel=0.35)
    assert len(remaining) - remaining.task_types.count("loans") == len(rows) - n_loans
    few = equal_sample(rows, 200)
    assert len(few) == pytest.approx(200, abs=60)


def test_deleted_traffic_leaves_the_planned_baseline_whole(model: Model, clock: datetime) -> None:
    model.promote(model.register(clock), clock)
    traffic(model.engine, clock, 200, seed=2)
    model.evaluate_with_findings(clock + WEEK)
    made = model.baselines()[0]
    with transaction(model.engine) as connection:
        of_traffic = connection.execute(
            select(Exchange.id).where(Exchange.baseline_id.is_(None))
        ).scalars().all()  # fmt: skip
        delete_exchanges(connection, of_traffic)
    with snapshot(model.engine) as connection:
        assert len(load_baseline(connection, made.id)) == 200
    with transaction(model.engine) as connection:
        delete_exchanges(connection, exchanges_of_baseline(connection, made.id, 1000))
        delete_empty_baseline(connection, made.id)
    assert [baseline.id for baseline in model.baselines()] == [model.first]


def test_the_field_that_names_the_version_may_be_another(model: Model, clock: datetime) -> None:
    settings = Settings(drift=Drift(n_permutations=999), model=ModelSection(version_field=""))
    model.promote(model.register(clock), clock)
    traffic(model.engine, clock, 300, seed=3, version="ft-2")
    model.evaluate_with_findings(clock + WEEK, settings)
    assert [baseline.model_version for baseline in model.baselines()] == ["2", ""]


def test_the_daemons_steps_follow_the_version_and_watch_its_age(
    model: Model, clock: datetime, tmp_path: Path
) -> None:
    changes = {"retrain": Retrain(work_dir=str(tmp_path)), "alerts": Alerts(digest="")}
    settings = SETTINGS.model_copy(update=changes)
    traffic(model.engine, clock, 300, seed=2)
    model.note_judged(clock + WEEK)
    now = clock + WEEK + DAY
    cycle = Cycle.build(model.engine, settings, Secrets(), now, encoder=TopicEncoder)
    cycle.evaluate(now)
    assert [baseline.model_version for baseline in model.baselines()] == ["1", ""]
    cycle.advance(now)
    cycle.mirror(now)  # none is configured
    with transaction(model.engine) as connection:
        assert list_messages(connection) == []
    cycle.advance(clock + timedelta(days=180))
    with transaction(model.engine) as connection:
        assert [list_message.dedupe_key for list_message in list_messages(connection)] == [
            f"age:{model.first}"
        ]
