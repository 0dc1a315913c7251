"""Late feedback in the looks at a rollout: what counts, once, and what it decides."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine, select

from bench.rollout.simulated_hours import SOURCE, SimulatedTraffic, write_hour
from monitor.settings import Settings
from monitor.store.engine import transaction
from monitor.store.tables import RolloutObservation, RolloutScore
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.traffic.exchanges import insert_exchanges
from monitor.store.traffic.feedback import insert_feedback
from monitor.store.traffic.position import FeedbackRow, Position
from retrain.rollout.checks.results import CheckResult
from retrain.rollout.measurement.feedback import score_feedback
from retrain.rollout.measurement.next_look import next_look, stored_evidence
from retrain.rollout.measurement.starting_point import StartingPoint, fix_starting_point
from retrain.rollout.measurement.subject import Subject
from retrain.rollout.rows.looks import Look, insert_look
from retrain.rollout.rows.observations import ObservationRow, insert_observations
from tests.support.traffic.exchange_rows import exchange_row
from tests.support.traffic.observed_traffic import MODEL, open_rollout

START = datetime(2026, 11, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
THUMBS = "feedback thumbs_up"


def subject_of(rollout_id: int) -> Subject:
    return Subject(
        rollout_id=rollout_id,
        model=MODEL,
        stable=1,
        canary=2,
        started_at=START,
        stage=0,
        n_stages=2,
        percent=50,
        weight_percent=50,
        stage_started_at=START,
        min_dwell=timedelta(hours=48),
        max_hold=timedelta(hours=48),
    )


class Desk:
    """A rollout with feedback, and its looks."""

    def __init__(self, engine: Engine, settings: Settings | None = None) -> None:
        self.engine = engine
        self.settings = settings or Settings()
        self.subject = subject_of(open_rollout(engine, START, weight_percent=50))
        self.n_rows = 0
        self.n_looks = 0

    def rate_past(self, name: str, values: Sequence[float], version: str = "v1") -> None:
        """Store exchanges of the days before, each with a value of feedback."""
        first = self.n_rows
        rows = [
            exchange_row(
                "past",
                first + number,
                exchange_id=f"past-{first + number}",
                model=MODEL,
                prompt="question",
                occurred_at=START - timedelta(days=1) - number * timedelta(minutes=1),
                attributes={"model_version": version},
            )
            for number in range(len(values))
        ]
        vectors = np.zeros((len(rows), 2), np.float16)
        exchanges = Exchanges.from_rows(
            rows, encoder="e", prompt_vectors=vectors, response_vectors=vectors
        )
        with transaction(self.engine) as connection:
            insert_exchanges(connection, exchanges, created_at=START)
        ratings = {f"past-{first + number}": value for number, value in enumerate(values)}
        self.rate_all(ratings, START - HOUR, name=name, source="past")

    def fix(self) -> StartingPoint:
        with transaction(self.engine) as connection:
            return fix_starting_point(connection, self.subject, self.settings)

    def observe(self, exchange_id: str, arm: str, user: str, minutes: float) -> None:
        """Store an observation of some minutes after the start."""
        self.n_rows += 1
        moment = START + timedelta(minutes=minutes)
        row = ObservationRow(
            rollout_id=self.subject.rollout_id,
            position=Position(SOURCE, 0, self.n_rows),
            exchange_id=exchange_id,
            occurred_at=moment,
            received_at=moment,
            model=MODEL,
            arm=arm,
            task_type="",
            end_user=user,
            inclusion_probability=1.0,
            prompt="",
            response="",
            measures={"errors": 0.0},
        )
        with transaction(self.engine) as connection:
            assert insert_observations(connection, [row]) == 0

    def rate(self, exchange_id: str, value: float, at: datetime, **columns: Any) -> None:
        """Store a value of feedback."""
        self.rate_all({exchange_id: value}, at, **columns)

    def rate_all(
        self,
        ratings: Mapping[str, float],
        at: datetime,
        *,
        name: str = "thumbs_up",
        model: str = "",
        source: str = SOURCE,
        received_at: datetime | None = None,
    ) -> None:
        """Store values of feedback by exchange."""
        rows = [
            FeedbackRow(
                position=Position(source, 0, self.n_rows + number),
                exchange_id=exchange_id,
                model=model,
                name=name,
                value=value,
                given_at=at,
                received_at=received_at or at,
            )
            for number, (exchange_id, value) in enumerate(ratings.items(), 1)
        ]
        self.n_rows += len(rows)
        with transaction(self.engine) as connection:
            insert_feedback(connection, rows)

    def look(self) -> Look:
        """Score the feedback so far and look at the next hour, as the daemon does."""
        self.n_looks += 1
        until = START + self.n_looks * HOUR
        checks = self.fix().checks
        with transaction(self.engine) as connection:
            score_feedback(connection, self.subject, checks, until, until)
            assert score_feedback(connection, self.subject, checks, until, until) == 0
        with transaction(self.engine) as connection:
            look = next_look(connection, self.subject, self.settings, until, until)
        assert look is not None
        with transaction(self.engine) as connection:
            insert_look(connection, look)
        return look

    def scores(self) -> dict[str, float]:
        """Return the scores of feedback by exchange."""
        with transaction(self.engine) as connection:
            rows = connection.execute(
                select(RolloutObservation.exchange_id, RolloutScore.value)
                .join(RolloutScore, RolloutScore.observation_id == RolloutObservation.id)
                .where(RolloutScore.name == THUMBS)
            )
            return {row[0]: row[1] for row in rows}


def thumbs(look: Look) -> CheckResult:
    return next(check for check in look.checks if check.name == THUMBS)


@pytest.fixture
def desk(engine: Engine) -> Desk:
    made = Desk(engine)
    made.rate_past("thumbs_up", [1.0] * 54 + [0.0] * 6)
    return made


def test_late_thumbs_revert_a_worse_canary(any_engine: Engine) -> None:
    look = last_look(any_engine, canary=0.60)
    assert look.action == "revert"
    assert [reason.check for reason in look.reasons] == [THUMBS]
    assert (thumbs(look).kind, thumbs(look).worse) == ("revert_only", True)


def test_late_thumbs_of_an_equal_canary_revert_nothing(engine: Engine) -> None:
    look = last_look(engine, canary=0.90)
    assert look.action == "wait"
    assert not thumbs(look).worse


def last_look(engine: Engine, *, canary: float) -> Look:
    """Return the look that reverts, or that at the last of eight hours.

    Args:
        engine: The database.
        canary: The share of the canary's thumbs that are up; of stable's it is .90.
    """
    desk = Desk(engine)
    desk.rate_past("thumbs_up", [1.0] * 54 + [0.0] * 6)
    rng = np.random.default_rng(5)
    traffic = SimulatedTraffic(
        rollout_id=desk.subject.rollout_id,
        model=MODEL,
        draw=lambda _rng, arms, _users: {"errors": np.zeros(len(arms))},
        requests_per_hour=300,
        n_users=200,
    )
    unrated: list[list] = []
    for number in range(8):
        hour = START + number * HOUR
        with transaction(engine) as connection:
            write_hour(connection, traffic, hour, 50.0, rng)
            rows = connection.execute(
                select(RolloutObservation.exchange_id, RolloutObservation.arm).where(
                    RolloutObservation.occurred_at >= hour
                )
            ).all()
        unrated.append(rows[::3])
        # A third is rated, two hours after the look at their hour.
        rated = unrated.pop(0) if number >= 2 else []
        rates = {"canary": canary, "stable": 0.9}
        ratings = {row.exchange_id: float(rng.random() < rates[row.arm]) for row in rated}
        desk.rate_all(ratings, hour)
        look = desk.look()
        if look.action == "revert":
            break
    assert thumbs(look).n_pairs > 50
    return look


def test_feedback_counts_once_with_the_newest_of_its_look(desk: Desk) -> None:
    for arm in ("stable", "canary"):
        desk.observe(arm, arm, arm, 10)
        desk.rate(arm, 1.0, START + timedelta(minutes=30))
    desk.rate("canary", 0.0, START + timedelta(minutes=40), received_at=START + HOUR)
    # Delivered late, and given before.
    desk.rate("canary", 1.0, START + timedelta(minutes=20), received_at=START + 2 * HOUR)
    assert thumbs(desk.look()).n_pairs == 1
    assert desk.scores() == {"stable": 1.0, "canary": 0.0}
    # What was bet on can't be taken back.
    desk.rate("canary", 1.0, START + 2 * HOUR)
    assert thumbs(desk.look()).n_pairs == 1
    assert desk.scores() == {"stable": 1.0, "canary": 0.0}


def test_feedback_counts_in_the_hour_of_its_exchange(desk: Desk) -> None:
    desk.observe("stable", "stable", "a", 10)
    desk.observe("canary", "canary", "b", 70)
    desk.rate("stable", 1.0, START + 90 * HOUR)
    desk.rate("canary", 0.0, START + 90 * HOUR)
    looks = [desk.look() for _ in range(3)]
    # They are of different hours, so they are no pair; neither hour has other units twice.
    assert [thumbs(look).n_pairs for look in looks] == [0, 0, 0]
    assert len(desk.scores()) == 2
    desk.observe("late canary", "canary", "c", 20)
    desk.observe("late stable", "stable", "d", 21)
    desk.rate("late canary", 0.0, START + 91 * HOUR)
    desk.rate("late stable", 1.0, START + 91 * HOUR)
    look = desk.look()
    assert (thumbs(look).n_pairs, thumbs(look).loss) == (1, 1.0)
    assert thumbs(desk.look()) == thumbs(look)


def test_many_ratings_of_one_user_are_one_unit(desk: Desk) -> None:
    for number in range(40):
        desk.observe(f"flood-{number}", "canary", "angry", number)
        desk.observe(f"calm-{number}", "stable", f"calm-{number}", number)
    for user, value in (("flood", 0.0), ("calm", 1.0)):
        desk.rate_all({f"{user}-{number}": value for number in range(40)}, START + HOUR)
    look = desk.look()
    assert (thumbs(look).n_pairs, thumbs(look).worse) == (1, False)
    assert look.action != "revert"


def test_an_hour_of_a_user_counts_once_and_in_order(desk: Desk) -> None:
    for number, minutes in enumerate((10, 20, 70, 130)):
        desk.observe(f"r{number}", "canary", "ann", minutes)
        desk.observe(f"anonymous-{number}", "canary", "", minutes)
    late = START + 10 * HOUR
    for name in ("r0", "r2", "anonymous-2"):
        desk.rate(name, 1.0, late)
    for _ in range(3):
        desk.look()
    assert {"r0", "r2", "anonymous-2"} == set(desk.scores())
    for name in ("r0", "r1", "r3", "anonymous-0", "anonymous-1"):
        desk.rate(name, 1.0, late)
    desk.look()
    counted = {"r0", "r2", "r3", "anonymous-0", "anonymous-1", "anonymous-2"}
    assert counted == set(desk.scores())


def test_the_past_of_users_with_late_feedback_is_read(desk: Desk) -> None:
    for hour in range(2):
        for arm in ("canary", "stable"):
            desk.observe(f"{arm}-{hour}", arm, arm, 60 * hour + 5)

    def n_returning() -> float:
        evidence = stored_evidence(desk.look().evidence)
        names = [check.name for check in evidence.checks]
        return float(evidence.history.sums[2, names.index(THUMBS)])

    for name in ("canary-0", "stable-0"):
        desk.rate(name, 1.0, START)
    assert [n_returning() for _ in range(3)] == [0, 0, 0]
    # Neither user has a request in the hour that is looked at.
    for name in ("canary-1", "stable-1"):
        desk.rate(name, 1.0, START + 3 * HOUR)
    assert n_returning() == 2


def test_feedback_of_others_never_counts(desk: Desk) -> None:
    desk.observe("r1", "canary", "ann", 10)
    at = START + timedelta(minutes=30)
    desk.rate("r1", 0.0, at, model="another model")
    desk.rate("r1", 0.0, at, source="another topic")
    desk.rate("r1", 0.0, at, name="stars")
    desk.rate("unknown", 0.0, at)
    desk.look()
    assert desk.scores() == {}
    desk.rate("r1", 1.0, at, model=MODEL)
    desk.look()
    assert desk.scores() == {"r1": 1.0}


def test_late_feedback_is_no_traffic(desk: Desk) -> None:
    desk.observe("r1", "canary", "ann", 10)
    for number in range(8):
        desk.rate("r1", 0.0, START + number * HOUR)
        look = desk.look()
    assert {"canary_idle", "stable_idle"} <= {reason.code for reason in look.reasons}


def test_names_with_a_direction_and_a_range_are_compared(engine: Engine) -> None:
    desk = Desk(engine, Settings(drift={"lower_is_better": ("effort",)}))
    some, few = [1.0, 2.0, 4.0, 5.0] * 20, [1.0] * 49
    past: Sequence[tuple[str, Sequence[float]]] = (
        ("rating", some),
        ("effort", some),
        ("thumbs_up", [1.0] * 60),
        ("stars", [3.0] * 60),
        ("csat", few),
        ("mood", some),
    )
    for name, values in past:
        desk.rate_past(name, values)
    desk.rate_past("rating", [0.0] * 100, version="v0")
    point = desk.fix()
    rated = {check.name: check for check in point.checks if check.name.startswith("feedback ")}
    expected = {"feedback rating", "feedback effort", THUMBS}
    assert expected == set(rated)
    assert {"revert_only"} == {check.kind for check in rated.values()}
    rating = rated["feedback rating"]
    assert (
        rating.level,
        rating.lowest,
        rating.highest,
        rating.higher_is_better,
    ) == (3.0, 1.0, 5.0, True)
    assert not rated["feedback effort"].higher_is_better
    assert (rated[THUMBS].lowest, rated[THUMBS].highest) == (0.0, 1.0)
    # A name without a direction is nobody's claim; one without enough values is named.
    assert {"feedback stars", "feedback csat"} == set(point.not_compared)


def test_many_names_cost_the_other_checks_little(engine: Engine) -> None:
    names = ["rating", "stars", "csat", "nps", "score", "helpful", "liked", "upvote"]
    desk = Desk(engine)
    for number, name in enumerate(names):
        desk.rate_past(name, [0.0, 1.0] * (60 - number))
    rated = [check.metric for check in desk.fix().checks if check.metric.startswith("feedback ")]
    assert [f"feedback {name}" for name in names[:5]] == rated
    assert {f"feedback {name}" for name in names[5:]} == set(desk.fix().not_compared)
