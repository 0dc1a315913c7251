"""The life of an incident: quiet windows, reopening, snooze, users' changes, conditions."""

import itertools
import re
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import Engine, insert

from monitor.alerts.drift_incidents import REOPENED_WITHIN, handle_evaluation
from monitor.alerts.incidents import (
    MAX_SNOOZE,
    acknowledge,
    clear,
    note,
    report,
    resolve,
    snooze,
    wake_due,
)
from monitor.alerts.looks import handle_look
from monitor.alerts.parent_message import add_update
from monitor.errors import InputError, NotFoundError
from monitor.rendering.mrkdwn import render_text
from monitor.rendering.numbers import format_instant
from monitor.settings import Alerts
from monitor.store.alerts import incidents, outbox
from monitor.store.alerts.consequences import consequences_of
from monitor.store.alerts.incident_events import IncidentEventRow, list_events
from monitor.store.engine import transaction
from monitor.store.review.decisions import save_decision
from monitor.store.tables import ReviewBatch
from monitor.store.training.plan_requests import PlanRequest, insert_draft
from monitor.store.training.registry import insert_version
from monitor.store.training.runs import insert_run
from monitor.store.windows.drift_evaluations import mark_followed_up
from monitor.store.windows.looks import (
    LookFinding,
    mark_look_followed_up,
    newest_look,
    save_look,
)
from retrain.rollout.rows.rollouts import insert_rollout
from tests.support.refusals import refusal
from tests.support.windows.assessments import (
    make_assessment,
    make_numeric_column,
    not_comparable,
    not_enough_data,
    store_evaluation,
)

WEEK = timedelta(days=7)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
ALERTS = Alerts(public_url="https://drift.example")
KEYS = itertools.count()
QUIET, DRIFT, BLIND = make_assessment(), make_assessment(0.2), not_enough_data()
LACKING = not_comparable("resolved")


def live_through(engine: Engine, start: datetime, *assessments) -> datetime:
    """Handle windows in order, like the daemon; return the end of the last."""
    for assessment in assessments:
        with transaction(engine) as connection:
            evaluation_id = store_evaluation(connection, assessment, start)
            start += WEEK
            handle_evaluation(connection, evaluation_id, start, alerts=ALERTS)
            mark_followed_up(connection, evaluation_id, start)
    return start


def only_incident(engine: Engine) -> incidents.IncidentRow:
    with transaction(engine) as connection:
        (incident,) = incidents.list_incidents(connection)
    return incident


def events_of(engine: Engine, incident_id: int = 1) -> list[IncidentEventRow]:
    with transaction(engine) as connection:
        return list_events(connection, incident_id)


def names_of(engine: Engine) -> list[str]:
    return [event.event for event in events_of(engine)]


def replies(engine: Engine) -> list[bool]:
    """Return the replies of the incidents, and whether each is shown in the channel."""
    with transaction(engine) as connection:
        messages = reversed(outbox.list_messages(connection, limit=500))
        return [
            bool(message.payload.get("reply_broadcast"))
            for message in messages
            if message.kind == "reply"
        ]


def parent_text(engine: Engine) -> str:
    with transaction(engine) as connection:
        newest = next(m for m in outbox.list_messages(connection) if m.kind != "reply")
    return str(newest.payload)


@pytest.mark.parametrize(
    ("windows", "status", "events"),
    [
        ([DRIFT, QUIET], "open", ["opened", "quiet"]),
        ([DRIFT, QUIET, QUIET], "resolved", ["opened", "quiet", "resolved"]),
        ([DRIFT, QUIET, DRIFT, QUIET], "open", ["opened", "quiet", "continued", "quiet"]),
        ([DRIFT, QUIET, BLIND, QUIET], "resolved", ["opened", "quiet", "not_enough_data"]),
        ([DRIFT, BLIND, BLIND], "open", ["opened", "not_enough_data", "not_enough_data"]),
        ([DRIFT, QUIET, LACKING, LACKING], "open", ["opened", "quiet", "not_enough_data"]),
        ([DRIFT, QUIET, LACKING, QUIET], "resolved", ["opened", "quiet", "not_enough_data"]),
    ],
)
def test_two_measured_quiet_windows_in_a_row_resolve(
    any_engine: Engine, clock: datetime, windows: list, status: str, events: list[str]
) -> None:
    live_through(any_engine, clock, *windows)
    assert only_incident(any_engine).status == status
    names = names_of(any_engine)
    assert names[: len(events)] == events
    assert len(names) == len(windows) == only_incident(any_engine).version


def test_a_quiet_window_notifies_nobody_and_a_resolution_the_channel(
    engine: Engine, clock: datetime
) -> None:
    live_through(engine, clock, DRIFT, QUIET)
    assert replies(engine) == [False]
    assert "1 quiet window" in parent_text(engine)
    live_through(engine, clock + 2 * WEEK, QUIET)
    assert replies(engine) == [False, True]
    assert "Had drifted: Prompts; largest change 20%" in parent_text(engine)


def test_drift_within_eight_weeks_reopens_the_incident(any_engine: Engine, clock: datetime) -> None:
    end = live_through(any_engine, clock, DRIFT, QUIET, QUIET)
    metric = make_assessment(
        None, alarm=True, verdict="drift", numeric_columns=(make_numeric_column(),)
    )
    live_through(any_engine, end + REOPENED_WITHIN - WEEK, metric)
    incident = only_incident(any_engine)
    assert (incident.status, incident.resolved_at) == ("open", None)
    assert incident.fingerprint == {"metric:resolved"}
    reopened = events_of(any_engine)[-1]
    assert reopened.event == "reopened"
    assert "Prompts; largest change 20%" in reopened.reason
    assert reopened.reason in parent_text(any_engine)
    assert replies(any_engine) == [False, True, True, False]


def test_drift_after_eight_weeks_opens_another_incident(engine: Engine, clock: datetime) -> None:
    end = live_through(engine, clock, DRIFT, QUIET, QUIET)
    live_through(engine, end + REOPENED_WITHIN, DRIFT)
    with transaction(engine) as connection:
        rows = incidents.list_incidents(connection)
    assert [row.status for row in rows] == ["open", "resolved"]


def test_snoozed_drift_is_silent_until_it_is_woken(any_engine: Engine, clock: datetime) -> None:
    end = live_through(any_engine, clock, DRIFT)
    with transaction(any_engine) as connection:
        assert snooze(connection, 1, "Ann", end + 3 * WEEK, end, alerts=ALERTS)
    live_through(any_engine, end, make_assessment(0.6), BLIND)
    assert replies(any_engine) == [False]
    assert only_incident(any_engine).status == "snoozed"
    for moment, woken in ((end + 3 * WEEK - MINUTE, []), (end + 3 * WEEK, [1])) * 2:
        with transaction(any_engine) as connection:
            assert wake_due(connection, moment, lambda _: ALERTS) == woken
        if woken:
            break
    with transaction(any_engine) as connection:
        assert wake_due(connection, end + 4 * WEEK, lambda _: ALERTS) == []
    incident = only_incident(any_engine)
    assert (incident.status, incident.snoozed_until) == ("open", None)
    assert replies(any_engine) == [False, True]


def test_a_new_kind_of_drift_wakes_a_snoozed_incident(engine: Engine, clock: datetime) -> None:
    end = live_through(engine, clock, DRIFT)
    with transaction(engine) as connection:
        snooze(connection, 1, "Ann", end + 3 * WEEK, end, alerts=ALERTS)
    live_through(engine, end, make_assessment(0.2, numeric_columns=(make_numeric_column(),)))
    assert only_incident(engine).status == "open"
    assert replies(engine) == [False, True, False]


def test_resolution_of_a_snoozed_incident_notifies_nobody(engine: Engine, clock: datetime) -> None:
    end = live_through(engine, clock, DRIFT)
    with transaction(engine) as connection:
        snooze(connection, 1, "Ann", end + 4 * WEEK, end, alerts=ALERTS)
    live_through(engine, end, QUIET, QUIET)
    assert only_incident(engine).status == "resolved"
    assert replies(engine) == [False]


@pytest.mark.parametrize("delay", [timedelta(0), -HOUR, MAX_SNOOZE + MINUTE])
def test_snooze_outside_the_next_thirty_days_is_refused(
    engine: Engine, clock: datetime, delay: timedelta
) -> None:
    end = live_through(engine, clock, DRIFT)
    with transaction(engine) as connection, refusal("snooze_time", InputError):
        snooze(connection, 1, "Ann", end + delay, end, alerts=ALERTS)
    assert names_of(engine) == ["opened"]


def test_users_change_an_incident_with_name_time_and_reason(
    engine: Engine, clock: datetime
) -> None:
    end = live_through(engine, clock, DRIFT)
    with transaction(engine) as connection:
        assert snooze(connection, 1, "Ann", end + HOUR, end, alerts=ALERTS)
        assert acknowledge(connection, 1, "Bob", end, alerts=ALERTS)
        note(connection, 1, "Bob", " looked at the release <b> ", end)
        with refusal("no_reason", InputError):
            resolve(connection, 1, "Bob", " ", end, alerts=ALERTS)
        assert resolve(connection, 1, "Bob", "rolled back", end, alerts=ALERTS)
        note(connection, 1, "Cid", "thanks", end + HOUR)
        for changed in (
            resolve(connection, 1, "Cid", "again", end, alerts=ALERTS),
            acknowledge(connection, 1, "Cid", end, alerts=ALERTS),
            snooze(connection, 1, "Cid", end + HOUR, end, alerts=ALERTS),
        ):
            assert not changed
        with pytest.raises(NotFoundError):
            note(connection, 99, "Cid", "?", end)
    rows = [(event.event, event.by, event.reason) for event in events_of(engine)[1:]]
    assert rows[1:] == [
        ("acknowledged", "Bob", ""),
        ("noted", "Bob", "looked at the release <b>"),
        ("resolved", "Bob", "rolled back"),
        ("noted", "Cid", "thanks"),
    ]
    assert rows[0][:2] == ("snoozed", "Ann")
    incident = only_incident(engine)
    assert (incident.version, incident.snoozed_until) == (6, None)
    assert "Resolved by Bob: rolled back" in parent_text(engine)
    assert [after.from_status for after in events_of(engine)[1:]] == [
        before.to_status for before, _ in pairwise(events_of(engine))
    ]


def test_a_long_note_is_whole_in_the_thread(any_engine: Engine, clock: datetime) -> None:
    live_through(any_engine, clock, make_assessment(0.2))
    text = "first line\nbad \x00\udcff byte\n" + "long " * 390
    with transaction(any_engine) as connection:
        note(connection, 1, "Ann", text, clock + WEEK)
        with pytest.raises(InputError, match="2,000"):
            note(connection, 1, "Ann", "x" * 2001, clock + WEEK)
    with transaction(any_engine) as connection:
        message = outbox.list_messages(connection)[0]
    written = render_text(message.payload["blocks"])
    assert written.count("long") == 390
    assert "Ann: first line\nbad ? byte\n" in written


def test_drift_after_a_users_resolution_reopens_the_incident(
    engine: Engine, clock: datetime
) -> None:
    end = live_through(engine, clock, DRIFT)
    with transaction(engine) as connection:
        resolve(connection, 1, "Bob", "fixed", end, alerts=ALERTS)
    live_through(engine, end, QUIET, DRIFT)
    assert names_of(engine) == ["opened", "resolved", "reopened"]


def check(engine: Engine, now: datetime, *keys: str, holds: bool = True) -> None:
    """Report a condition of the daemon, or clear it."""
    cause = "messages_undelivered"
    with transaction(engine) as connection:
        if holds:
            text = f"Checked at {now:%H:%M}."
            report(connection, cause, "", now, text=text, keys=keys, alerts=ALERTS)
        else:
            clear(connection, cause, "", now, alerts=ALERTS)


def test_a_lasting_condition_is_reported_once(any_engine: Engine, clock: datetime) -> None:
    for minute in range(5):
        check(any_engine, clock + minute * MINUTE)
    incident = only_incident(any_engine)
    assert (incident.cause, incident.level, incident.version) == (
        "messages_undelivered",
        "critical",
        1,
    )
    assert incident.summary.endswith("00:04.")
    with transaction(any_engine) as connection:
        assert len(outbox.list_messages(connection)) == 1
    check(any_engine, clock + HOUR, holds=False)
    check(any_engine, clock + HOUR + 14 * MINUTE, holds=False)
    assert only_incident(any_engine).status == "open"
    check(any_engine, clock + HOUR + 15 * MINUTE, holds=False)
    assert names_of(any_engine) == ["opened", "resolved"]
    assert replies(any_engine) == [True]


def test_another_part_of_a_condition_worsens_it_once(engine: Engine, clock: datetime) -> None:
    for minute, keys in enumerate((["a"], ["a"], ["a", "b"], ["b"])):
        check(engine, clock + minute * MINUTE, *keys)
    assert names_of(engine) == ["opened", "worsened"]
    with transaction(engine) as connection:
        snooze(connection, 1, "Ann", clock + HOUR, clock, alerts=ALERTS)
    check(engine, clock + 5 * MINUTE, "c")
    assert only_incident(engine).status == "snoozed"


@pytest.mark.parametrize("period_minutes", [1, 20, 40, 300])
def test_a_flapping_condition_notifies_ever_less(
    engine: Engine, clock: datetime, period_minutes: int
) -> None:
    """Half of each period the condition holds, for a week."""
    step = timedelta(minutes=max(1, period_minutes // 4))
    now = clock
    while now < clock + WEEK:
        check(engine, now, holds=(now - clock) / MINUTE % period_minutes < period_minutes / 2)
        now += step
        if period_minutes == 1 and now > clock + 3 * HOUR:
            break
    events = names_of(engine)
    assert len([event for event in events if event == "reopened"]) <= 5
    assert len([event for event in events if event == "opened"]) == 1


def test_a_lasting_condition_stays_resolved_by_a_user(engine: Engine, clock: datetime) -> None:
    check(engine, clock, "a")
    with transaction(engine) as connection:
        resolve(connection, 1, "Ann", "known", clock, alerts=ALERTS)
    check(engine, clock + MINUTE, "a")
    assert names_of(engine) == ["opened", "resolved"]
    check(engine, clock + 2 * MINUTE, holds=False)
    check(engine, clock + 3 * MINUTE, "a")
    assert names_of(engine) == ["opened", "resolved", "reopened"]


def test_causes_of_a_model_have_incidents_of_their_own(engine: Engine, clock: datetime) -> None:
    live_through(engine, clock, DRIFT)
    with transaction(engine) as connection:
        for cause in ("no_traffic", "training_failed"):
            for _ in range(2):
                report(connection, cause, "assistant", clock + WEEK, text=cause, alerts=ALERTS)
        rows = incidents.list_incidents(connection, "assistant", unresolved=True)
        assert [row.cause for row in rows] == ["training_failed", "no_traffic", "drift"]
    live_through(engine, clock + WEEK, QUIET, QUIET)
    with transaction(engine) as connection:
        left = incidents.list_incidents(connection, unresolved=True)
    assert {row.cause for row in left} == {"training_failed", "no_traffic"}


def look_at(
    engine: Engine,
    until: datetime,
    kind: str = "input",
    *,
    alarm: bool = True,
    since: datetime | None = None,
) -> int | None:
    """Store a look, by default with an alarm, and handle it."""
    finding = LookFinding(
        kind=kind, name="", measure="unlike", reference=0.0, estimate=0.2, lower=0.1, upper=0.3,
        p_value=1e-9, level=1e-6, since=since,
    )  # fmt: skip
    with transaction(engine) as connection:
        look_id = save_look(
            connection, model="assistant", looked_until=until, n_exchanges=900, n_end_users=400,
            findings=[finding] if alarm else [], provenance={}, now=until,
        )  # fmt: skip
        assert look_id is not None
        incident = handle_look(connection, look_id, until, alerts=ALERTS)
        mark_look_followed_up(connection, look_id, until)
    return incident


def test_an_alarm_of_a_look_ends_the_quiet_windows(any_engine: Engine, clock: datetime) -> None:
    end = live_through(any_engine, clock, DRIFT, QUIET)
    assert "1 quiet window" in parent_text(any_engine)
    for hour in (5, 6):
        assert look_at(any_engine, end + hour * HOUR) == 1
    assert names_of(any_engine) == ["opened", "quiet", "continued"]
    assert only_incident(any_engine).quiet_windows == 0
    assert "quiet window" not in parent_text(any_engine)
    assert replies(any_engine) == [False]


def onset_of(engine: Engine) -> str:
    """Return the onset that the incident's message states, once."""
    with transaction(engine) as connection:
        incident = incidents.list_incidents(connection)[0]
        add_update(connection, incident.id, incident.opened_at, ALERTS, key=str(next(KEYS)))
    with transaction(engine) as connection:
        newest = outbox.list_messages(connection)[0]
    (onset,) = re.findall(r"likely since (\d[^.;]*)", newest.payload["text"])
    return onset


def test_later_looks_keep_the_first_onset(any_engine: Engine, clock: datetime) -> None:
    began = clock + WEEK
    for hour in (5, 6, 20, 40):
        until = began + hour * HOUR
        assert look_at(any_engine, until, since=max(began, until - 23 * HOUR)) == 1
        assert onset_of(any_engine) == format_instant(began)
    with transaction(any_engine) as connection:
        (finding,) = newest_look(connection, "assistant").findings
    assert finding.since == began + 17 * HOUR  # its own figure stays
    assert finding.first_since == began


def test_first_onset_may_be_before_what_its_look_searched(
    any_engine: Engine, clock: datetime
) -> None:
    began = clock + WEEK
    for hour in (24, 30):
        until = began + hour * HOUR
        look_at(any_engine, until, since=until - 23.5 * HOUR)
        assert onset_of(any_engine) == f"{format_instant(began + HOUR / 2)} or earlier"


def test_each_kind_of_change_has_its_own_onset(any_engine: Engine, clock: datetime) -> None:
    began = clock + WEEK
    look_at(any_engine, began + 5 * HOUR, since=began)
    look_at(any_engine, began + 6 * HOUR, "output", since=began + 4 * HOUR)
    assert onset_of(any_engine) == format_instant(began + 4 * HOUR)
    look_at(any_engine, began + 7 * HOUR, since=began + 2 * HOUR)  # the first look knows it
    assert onset_of(any_engine) == format_instant(began)


def test_reopened_incident_has_a_new_onset(any_engine: Engine, clock: datetime) -> None:
    look_at(any_engine, clock + 5 * HOUR, since=clock)
    look_at(any_engine, clock + 30 * HOUR, alarm=False)
    end = live_through(any_engine, clock, QUIET, QUIET)
    assert only_incident(any_engine).is_resolved
    again = end + HOUR
    for hour in (5, 7):
        assert look_at(any_engine, end + hour * HOUR, since=again + (hour - 5) * HOUR) == 1
        assert onset_of(any_engine) == format_instant(again)
    assert "reopened" in names_of(any_engine)


def test_windows_before_a_look_do_not_resolve_its_incident(
    any_engine: Engine, clock: datetime
) -> None:
    """After a pause the looks come first, and then the windows of the pause."""
    assert look_at(any_engine, clock + 3 * WEEK) == 1
    look_at(any_engine, clock + 3 * WEEK + HOUR, alarm=False)
    end = live_through(any_engine, clock, QUIET, QUIET)
    assert (only_incident(any_engine).status, only_incident(any_engine).quiet_windows) == (
        "open",
        0,
    )
    assert names_of(any_engine) == ["opened"]
    live_through(any_engine, end, QUIET, QUIET)  # the first of these contains the look
    assert names_of(any_engine) == ["opened", "quiet", "resolved"]


def test_message_of_a_look_names_what_windows_found(any_engine: Engine, clock: datetime) -> None:
    end = live_through(any_engine, clock, DRIFT)
    look_at(any_engine, end + HOUR)
    look_at(any_engine, end + 2 * HOUR, "output")
    assert only_incident(any_engine).summary.startswith("Prompts, responses")
    text = parent_text(any_engine)
    assert text.index("of the responses are unlike") < text.index("Prompts have drifted.")


def test_a_look_reopens_a_resolved_incident(engine: Engine, clock: datetime) -> None:
    end = live_through(engine, clock, DRIFT, QUIET, QUIET)
    assert look_at(engine, end + HOUR) == 1
    assert names_of(engine)[-2:] == ["resolved", "reopened"]
    assert replies(engine) == [False, True, True]


def test_a_look_before_a_users_resolution_is_known(engine: Engine, clock: datetime) -> None:
    end = live_through(engine, clock, DRIFT)
    with transaction(engine) as connection:
        resolve(connection, 1, "Ann", "reverted", end + HOUR, alerts=ALERTS)
    for hour in (2, 12, 24):
        assert look_at(engine, end + hour * HOUR) is None
    assert look_at(engine, end + 13 * HOUR, "output") == 1  # another kind is not known
    assert names_of(engine) == ["opened", "resolved", "reopened"]


def test_a_look_of_another_kind_wakes_a_snoozed_incident(engine: Engine, clock: datetime) -> None:
    end = live_through(engine, clock, DRIFT)
    with transaction(engine) as connection:
        snooze(connection, 1, "Ann", end + WEEK, end, alerts=ALERTS)
    look_at(engine, end + HOUR)
    assert only_incident(engine).status == "snoozed"
    look_at(engine, end + 2 * HOUR, "output")
    assert only_incident(engine).status == "open"
    assert replies(engine) == [False, True]


def test_an_incident_knows_what_followed_from_it(any_engine: Engine, clock: datetime) -> None:
    end = live_through(any_engine, clock, DRIFT, QUIET)
    with transaction(any_engine) as connection:
        batch = connection.execute(
            insert(ReviewBatch)
            .values(evaluation_id=1, model="assistant", created_at=end)
            .returning(ReviewBatch.id)
        ).scalar_one()
        decision = save_decision(
            connection, batch, "assistant", recommendation="retrain", inputs={}, now=end
        )
        run = insert_run(
            connection, decision_id=decision.id, model="assistant", launcher="subprocess",
            recipe={}, work_dir="runs", created_at=end,
        )  # fmt: skip
        version = insert_version(
            connection, model="assistant", stage="canary", parent_id=None, training_run_id=run,
            adapter_path="a", adapter_digest="d", lineage={}, created_at=end,
        )  # fmt: skip
        rollout = insert_rollout(
            connection, model="assistant", version_id=version, stable_version_id=version,
            status="running", reason="", weight_percent=5, stage_started_at=end, started_at=end,
            settings={},
        )  # fmt: skip
        again = insert_draft(
            connection, model="assistant", launcher="subprocess", recipe={},
            request=PlanRequest("Lea", end, decision_id=decision.id, after_run=run),
        )  # fmt: skip
        followed = consequences_of(connection, 1)
    assert [window.verdict for window in followed.windows] == ["drift", "no_drift"]
    assert [followed.batches, [row.id for row in followed.decisions]] == [[batch], [decision.id]]
    assert [(row.id, row.status, row.version) for row in followed.runs] == [
        (again, "draft", None), (run, "planned", 1),
    ]  # fmt: skip
    assert [(row.id, row.weight_percent) for row in followed.rollouts] == [(rollout, 5)]
