"""Order of the follow-up: an unfinished window holds back the later ones of its model."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, select, update

from monitor.daemon.follow_up import MAX_HOLD, follow_up
from monitor.settings import Settings
from monitor.store.alerts.incidents import list_incidents
from monitor.store.engine import transaction
from monitor.store.leadership import acting_under
from monitor.store.tables import DriftEvaluation, OutboxMessage
from monitor.store.windows.claims import (
    MAX_CRASHES,
    claim_drift_evaluation,
    fail_drift_evaluation,
    window_states,
)
from monitor.store.windows.pauses import begin_pause, end_pauses
from tests.support.traffic.stored_traffic import store_traffic
from tests.support.windows.assessments import make_assessment, store_evaluation

WEEK, HOUR = timedelta(weeks=1), timedelta(hours=1)
QUIET, DRIFT = make_assessment(), make_assessment(0.3)


class Model:
    """A model with four due weeks, and a leader of a given epoch."""

    def __init__(self, engine: Engine, clock: datetime) -> None:
        self.engine = engine
        self.weeks = [clock + n * WEEK for n in range(4)]
        self.now = clock + 4 * WEEK + HOUR
        store_traffic(engine, clock, 3, seed=1)

    def claim(self, week: int, *, epoch: int | None = 1) -> bool:
        start = self.weeks[week]
        with acting_under(epoch), transaction(self.engine) as connection:
            claim = claim_drift_evaluation(
                connection, "assistant", start, start + WEEK, seed=1, now=self.now
            )
        return claim is not None

    def fail(self, week: int) -> None:
        start = self.weeks[week]
        with acting_under(1), transaction(self.engine) as connection:
            claim = claim_drift_evaluation(
                connection, "assistant", start, start + WEEK, seed=1, now=self.now
            )
            assert claim is not None
            fail_drift_evaluation(connection, claim, "broken", self.now)

    def finish(self, week: int, *, drift: bool = False, epoch: int | None = 1) -> int:
        with acting_under(epoch), transaction(self.engine) as connection:
            evaluation = store_evaluation(
                connection, DRIFT if drift else QUIET, self.weeks[week], again=True
            )
            connection.execute(
                update(DriftEvaluation)
                .where(DriftEvaluation.id == evaluation)
                .values(finished_at=self.now)
            )
        return evaluation

    def follow(self, later: timedelta = timedelta()) -> list[int]:
        self.now += later
        return follow_up(self.engine, Settings(), self.now)

    def opening_evaluations(self) -> list[int | None]:
        with transaction(self.engine) as connection:
            return [row.opening_evaluation_id for row in list_incidents(connection)]

    def late_alarms(self) -> list[str]:
        with transaction(self.engine) as connection:
            keys = connection.execute(select(OutboxMessage.dedupe_key)).scalars()
            return [key for key in keys if key.startswith("late_alarm:")]


@pytest.fixture
def model(any_engine: Engine, clock: datetime) -> Model:
    return Model(any_engine, clock)


def test_alarm_of_a_dead_leaders_window_is_not_lost(model: Model) -> None:
    """The leader dies while it evaluates the drifted week; later weeks are evaluated already."""
    assert model.claim(0)
    later = [model.finish(1), model.finish(2)]
    assert model.follow() == []
    drifted = model.finish(0, drift=True, epoch=2)
    assert model.follow() == [drifted, *later]
    assert model.opening_evaluations() == [drifted]
    assert model.late_alarms() == []


@pytest.mark.parametrize("begin", [Model.fail, Model.claim, lambda _model, _week: None])
def test_unfinished_window_holds_back_for_a_day(
    model: Model, begin: Callable[[Model, int], object]
) -> None:
    first = model.finish(0)
    begin(model, 1)
    later = [model.finish(2, drift=True), model.finish(3, drift=True)]
    assert model.follow() == [first]
    assert model.follow(MAX_HOLD - HOUR) == []
    assert model.follow(HOUR) == later
    # It is evaluated after all: no incident is touched, and its alarm is told.
    before = model.opening_evaluations()
    late = model.finish(1, drift=True)
    assert model.follow() == [late]
    assert model.opening_evaluations() == before
    assert model.late_alarms() == [f"late_alarm:{late}"]


def test_repeated_failures_prolong_no_hold(model: Model) -> None:
    model.fail(0)
    later = model.finish(1)
    for _ in range(23):
        model.now += HOUR
        model.fail(0)
    assert model.follow() == []
    assert model.follow(HOUR) == [later]


def test_command_on_an_old_window_starts_and_sends_nothing(model: Model) -> None:
    followed = [model.finish(week) for week in (0, 1, 2)]
    assert model.follow() == followed
    again = model.finish(0, drift=True, epoch=None)
    newest = model.finish(3)
    assert model.follow() == [again, newest]
    assert (model.opening_evaluations(), model.late_alarms()) == ([], [])


def test_windows_of_a_pause_hold_nothing(model: Model) -> None:
    with transaction(model.engine) as connection:
        begin_pause(connection, "assistant", model.weeks[0] + HOUR)
        end_pauses(connection, ["assistant"], model.weeks[2])
    evaluation = model.finish(2)
    assert model.follow() == [evaluation]


def test_window_at_which_leaders_die_fails_at_last(model: Model) -> None:
    """It may be what kills them, with all their memory."""
    for epoch in range(1, MAX_CRASHES + 1):
        assert model.claim(0, epoch=epoch)
    assert not model.claim(0, epoch=MAX_CRASHES + 1)
    with acting_under(9), transaction(model.engine) as connection:
        states = window_states(connection, "assistant", model.now)
        status = connection.execute(select(DriftEvaluation.status)).scalar_one()
    assert (status, states.failed_at) == ("failed", model.now)
    model.now += HOUR
    assert model.claim(0, epoch=9)
    assert not model.claim(0, epoch=10)  # it dies again: failed at once
    model.finish(0)
    with transaction(model.engine) as connection:
        assert connection.execute(select(DriftEvaluation.crashes)).scalar_one() == 0


def test_command_leaves_the_window_of_a_leader(model: Model) -> None:
    assert model.claim(0, epoch=1)
    assert not model.claim(0, epoch=None)
    assert model.claim(0, epoch=2)
    model.now += 2 * HOUR  # its claim has ended
    assert model.claim(0, epoch=None)
    assert not model.claim(0, epoch=3)  # a command's claim, that hasn't
