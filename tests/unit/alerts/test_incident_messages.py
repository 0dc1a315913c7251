"""Messages of incidents: one text of at most 80 words, of the present state."""

import html
import re
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import update

from monitor.alerts.causes import CAUSES
from monitor.alerts.channels.apprise import MAX_TITLE_CHARACTERS
from monitor.alerts.channels.pagerduty import MAX_SUMMARY_CHARACTERS
from monitor.alerts.drift_alarms import fingerprint_of
from monitor.alerts.incidents import clear
from monitor.alerts.messages.text import MAX_WORDS, IncidentText, count_words
from monitor.alerts.present_text import STATES
from monitor.rendering.mrkdwn import render_text
from monitor.rendering.numbers import format_instant
from monitor.store.alerts import outbox
from monitor.store.alerts.incident_events import list_events
from monitor.store.alerts.incidents import list_incidents
from monitor.store.engine import transaction
from monitor.store.tables import DriftEvaluation, Incident, Look
from tests.support.alerts.incident_world import (
    DAY,
    HOUR,
    MONDAY,
    WEEK,
    IncidentWorld,
    make_finding,
    make_prompts_finding,
)
from tests.support.alerts.messages_page import (
    BOTH,
    MORE_PROMPTS,
    PROMPTS,
    QUIET,
    TUESDAY,
    messages,
    states_of,
)
from tests.support.windows.assessment_cases import CASES, with_findings
from tests.support.windows.assessments import (
    HOSTILE,
    make_assessment,
    make_explanation,
    make_family,
    make_numeric_column,
    make_topic,
)

#: Characters of a line of a phone's notification, and of the two that it shows.
PHONE_LINE, PHONE_CHARACTERS = 70, 130
#: Characters of a line beside Slack's name of the sender on a locked phone, which shows two.
NOTIFICATION_LINE = 45


def words_of(payload: dict[str, Any]) -> int:
    text = re.sub(r" \(https?://[^)\s]*\)", "", render_text(payload["blocks"]))
    return sum(any(map(str.isalnum, word)) for word in text.split())


def looked(*findings: Any) -> IncidentWorld:
    return IncidentWorld().look(*(findings or (make_finding(),)), until=TUESDAY)


def test_every_cause_in_every_state_is_short() -> None:
    n = 0
    for n, (cause, state, payload) in enumerate(messages(), 1):  # noqa: B007 - asserted below
        text = html.unescape(payload["text"])
        assert count_words([text]) <= MAX_WORDS, (cause, state, text)
        assert len(text) <= MAX_SUMMARY_CHARACTERS
        title, rest = text.split(". ", 1)
        assert len(title) <= PHONE_LINE
        assert rest
        if state == "opened":
            beginning = f"driftwarden: {text}"[: 2 * NOTIFICATION_LINE]
            assert " ".join(CAUSES[cause].users.split()[:3]) in beginning
        is_ended = state == "unwatched" or "resolved" in state
        assert text.count("Next: ") == (not is_ended)
        assert "…" not in text, text
        assert ("--again --model assistant'" in text) == (cause == "late_records" and not is_ended)
    assert n > 180


def test_every_case_of_an_alarm_is_short_in_every_state() -> None:
    for name in ("input_drift", "output_shift", "explained", "events", "slow_drift"):
        world = looked(make_finding(), make_prompts_finding()).window(with_findings(CASES[name]()))
        for step in ("acknowledge", "snooze", "wake"):
            world.act(step)
            assert words_of(world.payload()) <= MAX_WORDS, (name, step, world.payload()["text"])


def test_window_after_a_look_leads_with_what_hurts_most() -> None:
    text = looked().window(BOTH).text()
    assert text.findings[0].startswith("`resolved` fell by 34%")
    assert text.since == (
        "Most likely since 3 Nov 2026, 14:00 UTC; figures of the window of 2 Nov to 8 Nov 2026."
    )
    assert text.changes[0].startswith("Added after 3 Nov 2026, 16:00 UTC: about 31%")
    assert "“crypto, wallet, transfer”" in text.changes[0]
    assert text.finding.count("`resolved`") == 1


def test_look_of_the_next_week_has_the_newer_figure_once() -> None:
    lower = make_finding(estimate=0.5, since=MONDAY + WEEK + HOUR)
    world = looked().window(BOTH).look(lower, until=MONDAY + WEEK + 3 * HOUR)
    text = world.text()
    assert text.findings[0].startswith("`resolved` fell from 0.90 to 0.50")
    assert "34%" not in text.summary
    assert "31%" in text.summary
    assert "14:00" in text.since  # the first look knows when


def test_look_with_less_than_the_window_keeps_the_rest() -> None:
    world = IncidentWorld().window(BOTH)
    world.look(make_prompts_finding(), until=MONDAY + WEEK + 2 * HOUR)
    text = world.text()
    assert text.findings[0].startswith("`resolved` fell by 34%")
    assert [line for line in text.findings if "prompts" in line] == [
        "About 21% (17% to 26%) of the prompts are unlike the baseline (“crypto, wallet”)."
    ]


def test_change_of_the_look_only_is_named_as_gone() -> None:
    text = looked().window(PROMPTS).text()
    assert "`resolved`" not in text.finding
    assert "No longer found in the window of 2 Nov to 8 Nov 2026: `resolved`." in text.changes


def test_change_of_the_same_hour_is_no_second_finding() -> None:
    end = MONDAY + WEEK
    world = IncidentWorld().look(make_finding(since=end - HOUR), until=end).window(PROMPTS)
    assert "`resolved` fell from 0.90 to 0.63" in world.text().finding  # a small part of the week
    world.look(until=end + HOUR)
    assert "`resolved`" not in world.text().finding


def test_look_and_window_name_the_same_event_once() -> None:
    event = make_explanation(kind="refusal", side="response", alarm=True)
    output = make_family("output", explanations=(event,))
    window = with_findings(make_assessment(alarm=True, verdict="drift", output=output))
    refusals = make_finding(
        kind="metric", name="refusal", reference=0.01, estimate=0.2, lower=0.15, upper=0.25
    )
    world = looked(refusals)
    assert "About 20% (15% to 25%) of the responses are refusals" in world.text().finding
    world.window(window)
    assert world.text().finding.count("refusals") == 1
    assert "refusals" not in " ".join(world.text().changes)


@pytest.mark.parametrize("kind", ["look", "window"])
def test_end_without_a_new_window_says_that_it_is_gone(kind: str) -> None:
    world = looked()
    if kind == "look":
        world.look(until=TUESDAY + HOUR)
    else:
        world.window(QUIET).window(QUIET, MONDAY + WEEK)
    assert world.text().title.startswith(("🟡", "🟢"))
    assert "fell" not in world.text().summary


def test_reopened_incident_has_its_own_onset_and_no_old_look() -> None:
    world = looked().window(BOTH).act("resolve")
    text = world.window(MORE_PROMPTS, MONDAY + 5 * WEEK).text()
    assert text.title == "🚨 CRITICAL Drift, again: assistant"
    assert text.since == "Began in the window of 7 Dec to 13 Dec 2026; the hour is not known."
    assert "`resolved`" not in text.finding
    assert "3 Nov" not in text.since


def test_look_before_a_resolution_is_not_present_after_it() -> None:
    world = looked().look(make_finding(), until=MONDAY + WEEK + 2 * HOUR).act("resolve")
    world.now += HOUR
    world.window(PROMPTS)
    assert world.text().title == "🚨 CRITICAL Drift, again: assistant"
    assert "`resolved`" not in world.text().finding


def test_onset_in_the_worst_finding_has_no_line() -> None:
    text = IncidentWorld().window(with_findings(CASES["slow_drift"]())).text()
    assert "since 5 Oct" in text.findings[0]
    assert text.since == "Figures of the window of 2 Nov to 8 Nov 2026."


def test_resolved_incident_is_one_line_with_times_and_reason() -> None:
    text = looked().act("resolve").text()
    (section,) = [block for block in text.blocks() if block["type"] == "section"]
    line = section["text"]["text"]
    assert "\n" not in line
    for part in ("'resolved'", "3 Nov 2026, 14:00 UTC until", "Resolved by Ann: rolled back"):
        assert part in line
    assert (text.next_step, text.owner) == ("", "")


def delete_all(world: IncidentWorld, table: Any) -> None:
    """Delete rows that the incident refers to, as no function of the product does."""
    driver = world.engine.raw_connection().driver_connection
    assert driver is not None
    driver.execute("PRAGMA foreign_keys = OFF")
    driver.execute(f"DELETE FROM {table.__tablename__}")
    driver.commit()


@pytest.mark.parametrize("table", [Look, DriftEvaluation])
def test_message_is_rendered_without_its_deleted_evidence(table: Any) -> None:
    world = looked().window(BOTH)
    delete_all(world, table)
    assert "assistant" in world.payload()["text"]
    assert "`resolved`" in world.text().finding
    assert "Had drifted" in world.act("resolve").text().finding


def test_resolved_incident_is_rendered_without_its_window() -> None:
    world = IncidentWorld().window(BOTH).act("resolve")
    delete_all(world, DriftEvaluation)
    assert world.text().since == "Noticed 9 Nov 2026, 00:30 UTC, resolved 9 Nov 2026, 00:30 UTC."


def test_message_is_rendered_without_any_evidence() -> None:
    world = looked()
    delete_all(world, Look)
    with transaction(world.engine) as connection:
        connection.execute(update(Incident).values(cause="zq_future", level="zq"))
    assert "Unknown cause (zq_future)" in world.text().title
    with transaction(world.engine) as connection:
        connection.execute(update(Incident).values(cause="drift"))
    assert world.text().findings == ("`resolved`; largest change 30%",)


def test_look_without_words_of_its_topic_is_still_a_finding() -> None:
    world = looked(make_prompts_finding(topic="", examples=()))
    assert "are unlike the baseline." in world.text().finding


def test_share_with_zero_in_its_interval_has_no_figure() -> None:
    text = looked(make_prompts_finding(estimate=0.04, lower=0.0, upper=0.09)).text()
    assert "how many of them is not sure" in text.finding
    assert "0%" not in text.finding


def huge(n: int) -> IncidentWorld:
    """Return an incident of a model with markup, long metrics and hostile topics."""
    columns = tuple(make_numeric_column(name=f"{number} " + "m<&>*_" * 40) for number in range(n))
    topics = tuple(make_topic(index=at, name=HOSTILE + "\u202e🔥 :fire: " * 9) for at in range(n))
    family = make_family(verdict="drift", alarm=True, topics=topics)
    output = make_family("output", verdict="drift", alarm=True, topics=topics)
    assessment = make_assessment(
        0.3, model="a<b> *c* " * 12, input=family, output=output, numeric_columns=columns
    )
    return IncidentWorld(model="a<b> *c* " * 12).window(with_findings(assessment))


def test_smaller_change_names_its_peak_and_its_window() -> None:
    """The largest change may be back at the next busy hour."""
    text = IncidentWorld().window(MORE_PROMPTS).window(PROMPTS, MONDAY + WEEK).text()
    assert "figures of the window of 9 Nov to 15 Nov 2026" in text.since
    assert text.changes[0] == "Largest change: 31% in the window of 2 Nov to 8 Nov 2026."
    assert text.changes[0] in text.summary
    world = looked().look(make_finding(estimate=0.8), until=TUESDAY + HOUR)
    assert "Largest change: 30% in the 24 hours until 3 Nov" in world.text().summary
    same = IncidentWorld().window(MORE_PROMPTS).window(MORE_PROMPTS, MONDAY + WEEK).text()
    assert "Largest" not in same.summary


def test_findings_of_looks_keep_their_order() -> None:
    """The clearest change is another one each hour; the largest is the same."""
    csat, resolved = make_finding(name="csat", estimate=0.8), make_finding()
    orders = {
        looked(*findings).text().findings for findings in ((csat, resolved), (resolved, csat))
    }
    ((first, second),) = orders
    assert first.startswith("`resolved`")
    assert second.startswith("`csat`")


def test_acknowledged_incident_tells_only_what_doubled_after_its_first_day() -> None:
    """Of a sudden change the estimate grows for a day; then 12%, 13% and 24% are 1 message."""
    world = looked(make_finding(estimate=0.85)).act("acknowledge")
    titles = []
    for hours, estimate in ((5, 0.79), (24, 0.78), (30, 0.6), (31, 0.58), (32, 0.59)):
        world.look(make_finding(estimate=estimate), until=TUESDAY + hours * HOUR)
        titles.append(world.text().title)
    assert (
        titles == ["🚨 CRITICAL Drift: assistant"] * 2 + ["🚨 CRITICAL Drift, worse: assistant"] * 3
    )
    with transaction(world.engine) as connection:
        messages = outbox.list_messages(connection)
    assert sum(bool(message.payload.get("reply_broadcast")) for message in messages) == 1


def test_clean_look_does_not_end_an_alarmed_week() -> None:
    text = looked().window(BOTH).look(until=MONDAY + WEEK + 3 * HOUR).text()
    assert "figures of the window of 2 Nov to 8 Nov 2026" in text.since
    assert text.findings[0].startswith("`resolved` fell by 34%")


def test_thirty_hostile_findings_fit_and_show_no_markup() -> None:
    world = huge(30)
    world.act("acknowledge", user="Ann " * 30)
    payload = world.payload()
    assert words_of(payload) <= MAX_WORDS
    assert len(payload["text"]) <= MAX_SUMMARY_CHARACTERS
    assert "further findings on the page" in payload["text"]
    written = str(payload["blocks"])
    for mark in ("<!channel>", "<https://evil", "\u202e", ":fire:"):
        assert mark not in written


def test_worst_finding_is_cut_rather_than_left_out() -> None:
    text = IncidentText(title="t", findings=("word " * 200, "b"), next_step="step " * 16)
    assert 40 < count_words([text.summary]) <= MAX_WORDS
    assert "word word" in text.summary


def test_whole_parts_are_left_out_of_any_message() -> None:
    """Model, finding, onset, owner, step and links stay; the rest is left out, and counted."""
    random = Random(7)
    vocabulary = [
        "drift",
        "of",
        "responses.",
        "“加密货币转账钱包”",
        "adapter_model.safetensors",
        "12%",
    ]

    def words(least: int, most: int) -> str:
        return " ".join(random.choices(vocabulary, k=random.randint(least, most)))

    for _ in range(500):
        n_findings, n_changes = random.randint(1, 5), random.randint(0, 3)
        text = IncidentText(
            title=f"Drift, worse: {words(0, 2)} assistant",
            findings=tuple(f"Finding {number} {words(3, 60)}." for number in range(n_findings)),
            users="Users may get worse responses.",
            since="Most likely since 3 Nov 2026, 14:00 UTC.",
            changes=tuple(f"Change {number} {words(3, 40)}." for number in range(n_changes)),
            owner=f"Acknowledged by {words(0, 20)}",
            next_step="Check what was released then (<https://drift.example.com|page>).",
            links=("<https://drift.example.com|Incident 1>",),
        )
        blocks = render_text(text.blocks())
        assert count_words([text.summary, *text.links]) <= MAX_WORDS
        assert len(text.summary) <= MAX_SUMMARY_CHARACTERS
        stays = (
            "assistant",
            text.users,
            "Finding 0",
            text.since,
            "Acknowledged by",
            "released then (page).",
        )
        assert all(part in text.summary for part in stays), text
        n_told = sum(f"Finding {number} " in text.summary for number in range(n_findings))
        more = re.search(r"(\d) further finding", text.summary)
        assert n_told + (int(more[1]) if more else 0) == n_findings
        assert "Incident 1" in blocks


def test_long_condition_is_cut_after_a_sentence() -> None:
    first = " ".join(["word"] * 30) + "."
    text = IncidentText(title="t", findings=(f"{first} Do not roll back {'before ' * 40}",))
    assert text.summary == f"t. {first[:-1]}…"


def test_condition_names_its_new_part_and_its_return() -> None:
    world = IncidentWorld(now=TUESDAY)
    world.condition("training_failed", "Training run 4 failed.", "run 4")
    world.now += HOUR
    world.condition("training_failed", "Training run 5 failed.", "run 5")
    assert world.text().changes == ("Added after 3 Nov 2026, 16:00 UTC: run 5.",)
    world.clear("training_failed", after=timedelta(days=2))
    world.condition("training_failed", "Training run 6 failed.", "run 6")
    assert world.text().title == "🟠 WARNING Training failed, again: assistant"
    assert world.text().changes[0].startswith("It is back; it was resolved ")


def test_condition_says_once_when_it_began() -> None:
    world = IncidentWorld(now=TUESDAY)
    text = f"Nothing was read of partition 0 since {format_instant(TUESDAY - HOUR)}."
    world.condition("consumer_stalled", text, since=TUESDAY - HOUR, of_daemon=True)
    assert world.text().since == ""
    world.condition("consumer_stalled", "Ingest is behind.", since=TUESDAY, of_daemon=True)
    assert world.text().since == "Began 3 Nov 2026, 15:00 UTC."
    world.condition("no_traffic", "No record for 24 hours.")
    assert world.text().since == "Noticed 3 Nov 2026, 16:00 UTC."


@pytest.mark.parametrize(
    ("since", "by_user", "period"),
    [
        (
            TUESDAY - HOUR,
            False,
            "The incident lasted from 3 Nov 2026, 15:00 UTC until 3 Nov 2026, 17:00 UTC.",
        ),
        (None, False, "Noticed 3 Nov 2026, 16:00 UTC, held until 3 Nov 2026, 17:00 UTC."),
        (TUESDAY - HOUR, True, "Since 3 Nov 2026, 15:00 UTC, resolved 3 Nov 2026, 17:00 UTC."),
        (None, True, "Noticed 3 Nov 2026, 16:00 UTC, resolved 3 Nov 2026, 17:00 UTC."),
    ],
)
def test_end_of_a_condition_has_onset_and_clear_time(
    since: datetime | None, by_user: bool, period: str
) -> None:
    """It is resolved a while after it no longer holds, unless a user resolves it before."""
    world = IncidentWorld(now=TUESDAY)
    world.condition("consumer_stalled", "Nothing was read.", since=since, of_daemon=True)
    world.later(HOUR)
    if by_user:
        world.act("resolve").later(HOUR)  # afterwards it is clear, too
    world.clear("consumer_stalled", of_daemon=True, after=HOUR)
    assert world.text().since == period


def test_reopened_condition_has_its_own_onset() -> None:
    world = IncidentWorld(now=TUESDAY)
    world.condition("consumer_stalled", "Nothing was read.", since=TUESDAY - HOUR, of_daemon=True)
    world.clear("consumer_stalled", of_daemon=True)
    world.condition("consumer_stalled", "Nothing was read.", of_daemon=True)
    assert world.text().since == f"Noticed {format_instant(world.now)}."


def test_no_message_or_event_has_doubled_punctuation() -> None:
    world = IncidentWorld()
    for cause in CAUSES.values():
        if cause.name != "drift":
            list(states_of(cause, world))
    with transaction(world.engine) as connection:
        texts = [message.payload["text"] for message in outbox.list_messages(connection, limit=999)]
        incidents = list_incidents(connection, limit=99)
        events = [event for row in incidents for event in list_events(connection, row.id)]
    texts += [event.reason for event in events]
    assert any("It is back. Before: " in text for text in texts)
    assert [text for text in texts if re.search(r"[.,;:!?][.,;:!?]", text)] == []


def test_sentence_on_users_is_first_and_only_while_it_lasts() -> None:
    world = IncidentWorld(now=TUESDAY)
    world.condition("consumer_stalled", "Nothing was read.", of_daemon=True)
    users = CAUSES["consumer_stalled"].users
    assert world.payload()["text"].startswith(f"🚨 CRITICAL Ingest stalled. {users} Nothing")
    assert render_text(world.payload()["blocks"]).count(users) == 1
    with transaction(world.engine) as connection:
        clear(connection, "consumer_stalled", "", world.now, alerts=world.alerts)
    assert users not in world.payload()["text"]
    assert looked().text().users == CAUSES["drift"].users
    assert looked().look(until=TUESDAY + HOUR).text().users == ""


def test_worse_drift_of_which_part_is_gone_has_changed() -> None:
    assert looked().window(PROMPTS).text().title == "🚨 CRITICAL Drift, changed: assistant"
    assert looked().window(BOTH).text().title == "🚨 CRITICAL Drift, worse: assistant"
    larger = IncidentWorld().window(PROMPTS).window(MORE_PROMPTS, MONDAY + WEEK)
    assert larger.text().title == "🚨 CRITICAL Drift, worse: assistant"
    smaller = looked(make_finding(estimate=0.85))
    for hours, estimate, state in ((30, 0.6, "worse"), (31, 0.82, "changed")):
        smaller.look(make_finding(estimate=estimate), until=TUESDAY + hours * HOUR)
        assert smaller.text().title == f"🚨 CRITICAL Drift, {state}: assistant"


def test_two_models_have_messages_of_their_own() -> None:
    world = looked()
    world.model = "other"
    world.look(make_prompts_finding(), until=TUESDAY + DAY)
    assert "`resolved`" not in world.text().finding
    assert world.text().title == "🚨 CRITICAL Drift: other"


def test_reply_on_news_is_the_title_with_one_change() -> None:
    text = looked().window(BOTH).text()
    assert text.news == f"{text.title}. {text.changes[0]}"
    opened = looked().text()
    assert opened.news == f"{opened.title}. {opened.findings[0]}"


def test_notification_of_a_phone_has_model_and_worst_finding() -> None:
    for world in (looked(), looked().window(BOTH), IncidentWorld().window(BOTH)):
        beginning = world.payload()["text"][:PHONE_CHARACTERS]
        assert "assistant" in beginning
        assert "'resolved' fell" in beginning
    assert MAX_TITLE_CHARACTERS >= PHONE_CHARACTERS


def test_every_titled_state_has_words() -> None:
    assert {state for state, (words, _) in STATES.items() if not words} == {"opened"}


def test_kinds_of_findings_are_those_that_alarm() -> None:
    for name, case in CASES.items():
        assessment = with_findings(case())
        kinds = assessment.finding_kinds
        assert len(kinds) == len(assessment.findings) * assessment.is_compared, name
        # Responses alarm by their events, too.
        alarms = fingerprint_of(assessment) - ({"output"} if "event:empty" in kinds else set())
        assert alarms <= set(kinds), name


def test_findings_without_kinds_are_the_headline() -> None:
    text = IncidentWorld().window(replace(BOTH, finding_kinds=())).text()
    assert text.findings == (BOTH.headline,)
    assert text.next_step == IncidentWorld().window(BOTH).text().next_step
