"""Exchanges that arrive after the evaluation: counted, told, and evaluated again by a user."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import Engine, delete, select, update

from monitor.alerts.drift_incidents import handle_evaluation
from monitor.alerts.incidents import resolve
from monitor.alerts.present_text import present_text
from monitor.alerts.repeated_evaluations import replace_result
from monitor.daemon.conditions.watch import watch_conditions
from monitor.daemon.follow_up import follow_up
from monitor.daemon.weekly_digest import summarize_week
from monitor.rendering.late_exchanges import describe_changes, describe_late
from monitor.settings import Drift, Review, Settings
from monitor.store.alerts import outbox
from monitor.store.alerts.incident_events import list_events
from monitor.store.alerts.incidents import IncidentRow, list_incidents
from monitor.store.audit_log import entries_on
from monitor.store.engine import transaction
from monitor.store.model_history import carry_over
from monitor.store.tables import DriftEvaluation, Exchange, ReviewItem, SlowDriftWindow
from monitor.store.traffic.stored_counts import add_stored_counts
from monitor.store.windows.assessment import Assessment
from monitor.store.windows.claims import (
    claim_drift_evaluation,
    fail_drift_evaluation,
    finish_drift_evaluation,
)
from monitor.store.windows.digest import newest_windows
from monitor.store.windows.drift_evaluations import (
    DriftEvaluationRow,
    drift_evaluation_by_id,
    drift_evaluation_of_window,
    mark_followed_up,
)
from monitor.store.windows.late_exchanges import late_exchanges
from monitor.store.windows.repetitions import record_repetition
from monitor.store.windows.sample_scores import SampleScores
from monitor.windows import evaluation as evaluating
from monitor.windows import stored_comparison as judging
from monitor.windows.evaluation import evaluate_window
from tests.support.traffic.stored_traffic import store_traffic
from tests.support.windows.assessments import make_assessment, make_numeric_column, not_enough_data

WEEK, DAY, HOUR = timedelta(weeks=1), timedelta(days=1), timedelta(hours=1)
SETTINGS = Settings(drift=Drift(n_permutations=199), review=Review(queue="every_window"))
MODEL = SETTINGS.model.name
NO_SCORES = SampleScores(*(np.array([]) for _ in range(4)))


@pytest.fixture(scope="module", autouse=True)
def _no_evidently() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluating, "render_evidently", lambda *_, **__: "")
        yield


class Site:
    """A model with a baseline, and weeks that are evaluated and followed up."""

    def __init__(self, engine: Engine, start: datetime, settings: Settings = SETTINGS) -> None:
        self.engine, self.start, self.settings = engine, start, settings
        self.n_stored = 0

    def store(self, week: int, n: int, *, new_share: float = 0.0, days: float = 7.0) -> None:
        if not self.n_stored:
            store_traffic(self.engine, self.start, 400, seed=1, baseline=True)
        self.n_stored += 1
        seed = 10 + self.n_stored
        start = self.start + week * WEEK
        store_traffic(self.engine, start, n, seed=seed, new_share=new_share, days=days)

    def pretend(
        self,
        week: int,
        n: int,
        assessment: Assessment | None = None,
        *,
        day: int = 0,
        days: int = 7,
        again: bool = False,
    ) -> None:
        """Store a result of a window of n exchanges, and follow it up."""
        start = self.start + week * WEEK + day * DAY
        end = start + days * DAY
        result = make_assessment() if assessment is None else assessment
        self.n_stored += 1
        now = end + self.n_stored * timedelta(minutes=1)
        with transaction(self.engine) as connection:
            if not again:
                add_stored_counts(connection, {(MODEL, start): n})
            claimed = claim_drift_evaluation(
                connection, MODEL, start, end, seed=1, now=now, again=again
            )
            assert claimed is not None
            if again:
                row = drift_evaluation_by_id(connection, claimed.evaluation_id)
                record_repetition(connection, row, drifted="x", by="ada", now=now)
            finish_drift_evaluation(
                connection, claimed, assessment=result, scores=NO_SCORES, baseline_id=None,
                provenance={"window": {"n_stored": n, "n_exchanges": n}}, now=now,
            )  # fmt: skip
        alerts = self.settings.alerts
        with transaction(self.engine) as connection:
            evaluation_id = claimed.evaluation_id
            replace_result(connection, evaluation_id, now, alerts=alerts)
            handle_evaluation(connection, evaluation_id, now, alerts=alerts)
            mark_followed_up(connection, evaluation_id, now)

    def arrive(self, week: int, n: int, *, day: int = 0) -> None:
        """Count exchanges as stored."""
        with transaction(self.engine) as connection:
            at = self.start + week * WEEK + day * DAY
            add_stored_counts(connection, {(MODEL, at): n})

    def count_messages(self) -> int:
        with transaction(self.engine) as connection:
            return len(outbox.list_messages(connection, limit=500))

    def evaluate(self, week: int, now: datetime, *, again: bool = False) -> None:
        bounds = self.start + week * WEEK, self.start + (week + 1) * WEEK
        by = "ada" if again else "driftwarden"
        done = evaluate_window(self.engine, self.settings, *bounds, now, again=again, by=by)
        assert done is not None
        follow_up(self.engine, self.settings, now)

    def row(self, week: int) -> DriftEvaluationRow:
        bounds = self.start + week * WEEK, self.start + (week + 1) * WEEK
        with transaction(self.engine) as connection:
            row = drift_evaluation_of_window(connection, MODEL, *bounds)
        assert row is not None
        return row

    def late(self, week: int) -> int | None:
        row = self.row(week)
        with transaction(self.engine) as connection:
            late = late_exchanges(connection, row)
        return None if late is None else late.n

    def watch(self, now: datetime) -> IncidentRow | None:
        """Check the conditions; return the incident of late exchanges."""
        watch_conditions(self.engine, self.settings, [self.settings], now, started_at=now)
        return self.incident("late_records")

    def incident(self, cause: str = "drift") -> IncidentRow | None:
        with transaction(self.engine) as connection:
            incidents = list_incidents(connection, cause=cause)
        assert len(incidents) < 2
        return incidents[0] if incidents else None

    def events(self, cause: str = "drift") -> list[str]:
        incident = self.incident(cause)
        assert incident is not None
        with transaction(self.engine) as connection:
            return [event.event for event in list_events(connection, incident.id)]


def test_late_exchanges_open_an_incident_until_the_repetition(
    any_engine: Engine, clock: datetime
) -> None:
    site, now = Site(any_engine, clock), clock + WEEK + HOUR
    site.store(0, 500)
    site.evaluate(0, now)
    assert (site.late(0), site.watch(now)) == (0, None)
    first = site.row(0)
    with transaction(any_engine) as connection:
        assert describe_late(connection, first) == ""

    site.store(0, 9, days=1.0)  # below the share and the number
    assert (site.late(0), site.watch(now)) == (9, None)
    site.store(0, 30, days=1.0)
    opened = site.watch(now)
    assert opened is not None
    assert (opened.level, opened.model) == ("warning", MODEL)
    assert "39 exchanges of this week arrived after its evaluation" in opened.summary
    assert "(7.2% of it)" in opened.summary
    assert opened.command == (
        f"driftwarden evaluate --from {clock:%Y-%m-%d} --to {clock + WEEK:%Y-%m-%d} --again "
        f"--model {MODEL}"
    )
    assert opened.summary.endswith("At least 39 of them were dead letters, replayed.")
    with transaction(any_engine) as connection:
        late = update(Exchange).where(Exchange.source == f"test-13-{clock:%Y%m%d}")
        connection.execute(late.values(received_at=now + HOUR, source="file:x"))
    traced = site.watch(now)
    assert traced is not None
    assert re.search(r"They are of \d\d end users; the newest arrived on", traced.summary)
    assert "30 of them were replayed from files." in traced.summary
    assert "dead letters" not in traced.summary
    assert site.row(0) == first, "the verdict never changes by itself"
    with transaction(any_engine) as connection:
        assert describe_late(connection, first).startswith("39 exchanges of this week")
        week = summarize_week(connection, MODEL)
        assert week is not None
        assert "39 exchanges" in week.text

    for hours in range(5):  # a trickle
        site.store(0, 3, days=1.0)
        site.watch(now + hours * HOUR)
    assert site.events("late_records") == ["opened"]
    site.evaluate(0, now + DAY, again=True)
    assert site.late(0) == 0
    assert site.row(0).provenance["window"]["n_exchanges"] == 554
    resolved = site.watch(now + DAY)
    assert resolved is not None
    assert resolved.status == "resolved"


def test_running_or_failed_repetition_leaves_incident_alone(
    engine: Engine, clock: datetime
) -> None:
    site = Site(engine, clock)
    site.pretend(0, 1_000)
    site.arrive(0, 100)
    now = clock + WEEK + HOUR
    incident = site.watch(now)
    assert incident is not None
    with transaction(engine) as connection:
        bounds = clock, clock + WEEK
        claim = claim_drift_evaluation(connection, MODEL, *bounds, seed=1, now=now, again=True)
        assert claim is not None
    assert site.watch(now + timedelta(minutes=1)) == incident
    running = site.row(0)
    with transaction(engine) as connection:
        assert describe_late(connection, running) == ""
        fail_drift_evaluation(connection, claim, "OSError", now)
    assert site.watch(now + timedelta(minutes=2)) == incident


def test_each_week_and_a_fifth_worsen_it_once(engine: Engine, clock: datetime) -> None:
    site, now = Site(engine, clock), clock + 6 * WEEK + HOUR
    for week in range(6):
        site.pretend(week, 120)
    assert site.watch(now) is None
    for week in range(6):  # a backfill of everything
        site.arrive(week, 25)
        for _ in range(2):
            site.watch(now)
    incident = site.incident("late_records")
    assert incident is not None
    # Windows that ended more than four weeks ago are history.
    assert len(incident.fingerprint) == 4
    assert site.events("late_records") == ["opened", "worsened", "worsened", "worsened"]
    assert "So did exchanges of 3 more windows." in incident.summary
    site.arrive(5, 10)
    site.watch(now)
    assert site.events("late_records")[4:] == ["worsened"]
    with transaction(engine) as connection:
        resolve(connection, incident.id, "Lea", "known", now, alerts=SETTINGS.alerts)
    site.arrive(5, 10)
    for _ in range(2):
        watched = site.watch(now)
    assert watched is not None
    assert watched.status == "resolved", "what a user resolved stays so"
    ended = site.watch(now + 5 * WEEK)
    assert ended is not None
    assert ended.clear_since == now + 5 * WEEK


def test_trickle_into_daily_windows_worsens_it_once_a_week(engine: Engine, clock: datetime) -> None:
    daily = Settings(monitoring={"drift_detection": "daily"})
    site = Site(engine, clock, daily)
    for day in range(14):
        site.pretend(0, 1000, day=day, days=1)
        site.arrive(0, 30, day=day)
        site.watch(clock + (day + 1) * DAY + HOUR)
    assert site.events("late_records") == ["opened", "worsened"]


def test_a_window_that_a_user_chose_opens_nothing(engine: Engine, clock: datetime) -> None:
    site = Site(engine, clock)
    site.pretend(0, 1000, day=2, days=3)
    site.arrive(0, 500, day=2)
    assert site.watch(clock + WEEK) is None


@pytest.mark.parametrize(("n", "opens"), [(19, False), (20, True), (200, True)])
def test_few_late_exchanges_open_nothing(
    engine: Engine, clock: datetime, n: int, *, opens: bool
) -> None:
    site = Site(engine, clock)
    site.pretend(0, 900)
    site.arrive(0, n)
    assert (site.watch(clock + WEEK) is not None) is opens
    large = Site(engine, clock + WEEK)
    large.pretend(0, 10_000)
    large.arrive(0, n)
    assert large.late(0) == n
    incident = large.incident("late_records")
    large.watch(clock + 2 * WEEK)
    assert large.incident("late_records") == incident, "2% of 10,000 are more"


def test_erased_exchanges_make_no_late_ones(engine: Engine, clock: datetime) -> None:
    unreviewed = SETTINGS.model_copy(update={"review": Review(queue="on_drift")})
    site, now = Site(engine, clock, unreviewed), clock + WEEK
    site.store(0, 200)
    site.evaluate(0, now)
    with transaction(engine) as connection:
        ids = select(Exchange.id).where(Exchange.baseline_id.is_(None)).limit(50)
        connection.execute(delete(Exchange).where(Exchange.id.in_(ids)))
    assert site.late(0) == 0
    site.store(0, 30)
    assert site.late(0) == 30
    with transaction(engine) as connection:
        connection.execute(delete(Exchange).where(Exchange.baseline_id.is_(None)))
    assert site.late(0) == 30


def test_windows_of_an_older_release_are_not_judged(engine: Engine, clock: datetime) -> None:
    site, now = Site(engine, clock), clock + WEEK
    site.store(0, 200)
    site.evaluate(0, now)
    with transaction(engine) as connection:
        row = connection.execute(select(DriftEvaluation.provenance)).scalar_one()
        del row["window"]["n_stored"]
        connection.execute(DriftEvaluation.__table__.update().values(provenance=row))
    site.store(0, 100)
    assert (site.late(0), site.watch(now)) == (None, None)
    part = clock + HOUR
    evaluate_window(engine, SETTINGS, part, part + DAY, now)
    with transaction(engine) as connection:
        of_hours = drift_evaluation_of_window(connection, MODEL, part, part + DAY)
        assert of_hours is not None
        assert late_exchanges(connection, of_hours) is None


def test_exchanges_stored_during_the_evaluation_are_late(
    engine: Engine, clock: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Site(engine, clock)
    site.store(0, 200)
    compare = judging.compare_window

    def store_meanwhile(*arguments, **options):  # type: ignore[no-untyped-def]
        site.store(0, 40)
        return compare(*arguments, **options)

    monkeypatch.setattr(judging, "compare_window", store_meanwhile)
    site.evaluate(0, clock + WEEK)
    assert site.late(0) == 40


def test_renamed_model_keeps_its_late_exchanges(any_engine: Engine, clock: datetime) -> None:
    site, now = Site(any_engine, clock), clock + WEEK
    site.store(0, 200)
    site.evaluate(0, now)
    store_traffic(any_engine, clock, 30, seed=5, model="helper")
    with transaction(any_engine) as connection:
        carry_over(connection, MODEL, "helper", now)
        row = drift_evaluation_of_window(connection, "helper", clock, clock + WEEK)
        assert row is not None
        late = late_exchanges(connection, row)
    assert late is not None
    assert late.n == 30


def test_repetition_without_new_rows_changes_nothing(engine: Engine, clock: datetime) -> None:
    """Nobody evaluates until it is green."""
    site, now = Site(engine, clock), clock + WEEK
    site.store(0, 300, new_share=0.3)
    site.evaluate(0, now)
    first = site.row(0)
    assert first.verdict == "drift"
    site.evaluate(0, now + HOUR, again=True)
    again = site.row(0)
    assert (again.assessment, again.seed) == (first.assessment, first.seed)
    assert site.events() == ["opened"]
    with transaction(engine) as connection:
        entries = entries_on(connection, "evaluated_again", f"drift_evaluation:{first.id}")
    (entry,) = entries
    assert (entry.actor, entry.details["late"]) == ("ada", 0)
    assert entry.details["before"].startswith("drift (Prompts")
    assert entry.details["before"].endswith("300 exchanges")

    strict = Drift(n_permutations=199, min_drifted_share=0.9)
    site.settings = SETTINGS.model_copy(update={"drift": strict})
    for hours in (2, 3):  # nor by other rules, once or twice
        site.evaluate(0, now + hours * HOUR, again=True)
        repeated = site.row(0).assessment
        assert repeated is not None
        assert not repeated.alarm
        assert "drift.min_drifted_share from 0.005 to 0.9" in describe_changes(site.row(0))
    assert site.events() == ["opened"]
    incident = site.incident()
    assert incident is not None
    assert incident.quiet_windows == 0
    changes = describe_changes(site.row(0))
    with transaction(engine) as connection:
        assert changes in present_text(connection, incident, site.settings.alerts).notes


def test_result_that_becomes_drift_opens_the_incident(engine: Engine, clock: datetime) -> None:
    site, now = Site(engine, clock), clock + WEEK
    site.store(0, 300)
    site.evaluate(0, now)
    assert (site.row(0).verdict, site.incident()) == ("no_drift", None)
    with transaction(engine) as connection:
        items = set(connection.execute(select(ReviewItem.id)).scalars())
        sums = connection.execute(select(SlowDriftWindow.sums)).scalars().all()
    site.store(0, 150, new_share=0.9)
    site.evaluate(0, now + HOUR, again=True)
    incident = site.incident()
    assert incident is not None
    assert site.row(0).verdict == "drift"
    assert (incident.status, incident.fingerprint) == ("open", {"input"})
    with transaction(engine) as connection:
        # The batch is not drawn again, and the sums take the place of the first ones.
        assert set(connection.execute(select(ReviewItem.id)).scalars()) == items
        newer = connection.execute(select(SlowDriftWindow.sums)).scalars().all()
        assert len(newer) == len(sums) == 1
        assert newer != sums
    site.store(0, 33)
    with transaction(engine) as connection:
        notes = present_text(connection, incident, site.settings.alerts).notes
    assert any(note.startswith("33 exchanges of this week") for note in notes)


DRIFT, QUIET, BLIND = make_assessment(0.2), make_assessment(), not_enough_data()
METRIC = make_assessment(
    None, alarm=True, verdict="drift", numeric_columns=(make_numeric_column(),)
)


@pytest.mark.parametrize(
    ("weeks", "repeated", "events", "status", "n_quiet"),
    [
        ([DRIFT], [DRIFT], [], "open", 0),
        ([DRIFT], [QUIET, QUIET, QUIET], ["quiet"], "open", 1),
        ([DRIFT], [QUIET, DRIFT], ["quiet", "continued"], "open", 0),
        ([DRIFT], [make_assessment(0.5)], ["worsened"], "open", 0),
        ([DRIFT], [METRIC], ["worsened"], "open", 0),
        ([DRIFT], [BLIND], ["not_enough_data"], "open", 0),
        ([DRIFT, QUIET], [QUIET], [], "open", 1),
        ([DRIFT, QUIET], [BLIND], ["not_enough_data"], "open", 0),
        ([DRIFT, QUIET], [BLIND, QUIET], ["not_enough_data", "quiet"], "open", 1),
        ([DRIFT, BLIND], [QUIET], ["quiet"], "open", 1),
        ([DRIFT, QUIET, QUIET], [QUIET, BLIND], [], "resolved", 2),
        ([DRIFT, QUIET, QUIET], [DRIFT], ["reopened"], "open", 0),
        ([DRIFT, QUIET, DRIFT], [QUIET], ["quiet"], "open", 1),
    ],
)
def test_repeated_result_takes_the_place_of_the_first(
    engine: Engine, clock: datetime, weeks: list, repeated: list, events: list, status: str,
    n_quiet: int,
) -> None:  # fmt: skip
    site = Site(engine, clock)
    for week, assessment in enumerate(weeks):
        site.pretend(week, 100, assessment)
    before = len(site.events())
    n_messages = site.count_messages()
    for assessment in repeated:
        site.pretend(len(weeks) - 1, 100, assessment, again=True)
        assert site.count_messages() > n_messages, "the message shows the new result"
        n_messages = site.count_messages()
    incident = site.incident()
    assert incident is not None
    assert site.events()[before:] == events
    assert (incident.status, incident.quiet_windows) == (status, n_quiet)
    if repeated == [METRIC]:
        assert incident.fingerprint == {"metric:resolved"}


def test_later_window_decides_over_a_repeated_one(engine: Engine, clock: datetime) -> None:
    site = Site(engine, clock)
    for week, assessment in enumerate([DRIFT, QUIET, QUIET]):
        site.pretend(week, 100, assessment)
    for assessment in (QUIET, DRIFT, QUIET):
        site.pretend(0, 100, assessment, again=True)
        site.pretend(1, 100, assessment, again=True)
    assert site.events() == ["opened", "quiet", "resolved"]
    with transaction(engine) as connection:
        newest = newest_windows(connection, MODEL, 1)
    assert [window.start for window in newest] == [clock + 2 * WEEK]


def test_alarm_that_a_user_resolved_stays_resolved(engine: Engine, clock: datetime) -> None:
    site = Site(engine, clock)
    site.pretend(0, 100, DRIFT)
    incident = site.incident()
    assert incident is not None
    with transaction(engine) as connection:
        resolve(connection, incident.id, "Lea", "known", clock, alerts=SETTINGS.alerts)
    site.pretend(0, 100, DRIFT, again=True)
    assert site.events() == ["opened", "resolved"]
    site.pretend(0, 100, METRIC, again=True)
    assert site.events() == ["opened", "resolved", "reopened"]
