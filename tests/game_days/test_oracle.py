"""The oracle: a broken product, or a message that is wrong, is noticed."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from unittest import mock

import pytest

from monitor.daemon.conditions import of_the_daemon
from monitor.daemon.conditions.of_models import OF_MODELS
from monitor.scheduling.condition_check import CLEAR, Holds
from tests.game_days.conftest import STALLED
from tests.game_days.faults import HOUR, Strike
from tests.game_days.judgement.of_messages import find_flaws
from tests.game_days.judgement.wording import SINCE
from tests.game_days.ledger import Message, says_open
from tests.game_days.night import Night, play
from tests.game_days.oracle import _later, judge
from tests.game_days.script import FAULTS, Script
from tests.game_days.warm_up import END
from tests.game_days.world.channels import PAGER, SLACK
from tests.game_days.world.world import World

EARLIER = timedelta(days=1)


def _opening(night: Night, channel: str = SLACK) -> Message:
    return next(message for message in night.messages if message.channel == channel)


@pytest.mark.parametrize(
    ("text", "is_open"),
    [
        ("🟢 No traffic, resolved: desk. Before: No record.", False),
        ("Incident 3, desk: Sent more rarely: metric “resolved”, 42% in 24 hours", True),
        ("🔵 No longer watched: desk", True),
        ("⚪ Drift, no longer watched: desk", False),
    ],
)
def test_state_of_a_message_is_read_from_its_title(text: str, is_open: bool) -> None:
    assert says_open(text) is is_open


def _kinds(night: Night) -> set[str]:
    return {flaw.kind for flaw in judge(night).flaws}


def _with(night: Night, message: Message) -> Night:
    return replace(night, messages=_in_order([*night.messages, message]))


def _in_order(messages: list[Message]) -> tuple[Message, ...]:
    return tuple(sorted(messages, key=lambda message: message.at))


def _changed(night: Night, change: Callable[[Message], Message | None]) -> Night:
    changed = map(change, night.messages)
    return replace(night, messages=tuple(message for message in changed if message is not None))


def test_good_night_holds(short_night: Night) -> None:
    verdict = judge(short_night)
    assert verdict.holds, verdict.flaws
    assert len(verdict.due) == 1


def test_silence_is_noticed(short_night: Night) -> None:
    (outcome,) = judge(replace(short_night, messages=())).due
    assert not outcome.in_time


def test_late_message_is_noticed(short_night: Night) -> None:
    late = _changed(short_night, lambda message: replace(message, at=message.at + 0.4 * HOUR))
    assert not judge(late).due[0].in_time


def test_message_without_a_step_is_noticed(short_night: Night) -> None:
    def without_steps(message: Message) -> Message:
        return replace(message, text=message.text.replace("driftwarden check", ""))

    assert not judge(_changed(short_night, without_steps)).due[0].is_enough


def test_end_that_is_not_told_is_noticed(short_night: Night) -> None:
    endless = _changed(short_night, lambda message: message if message.is_open else None)
    assert not judge(endless).due[0].end_in_time


def test_message_about_what_is_not_so_is_noticed(short_night: Night) -> None:
    message = replace(
        _opening(short_night), title="No traffic: desk (incident 9).", text="", incident=9
    )
    assert "false" in _kinds(_with(short_night, message))


def test_stale_message_is_noticed(short_night: Night) -> None:
    message = replace(_opening(short_night), at=STALLED.end + 2 * HOUR)
    assert "stale" in _kinds(_with(short_night, message))


def test_end_told_too_early_is_noticed(short_night: Night) -> None:
    end = next(message for message in short_night.messages if not message.is_open)
    early = replace(end, at=STALLED.end - timedelta(minutes=2))
    assert "false" in _kinds(_with(short_night, early))


def test_reply_that_contradicts_its_parent_is_noticed(short_night: Night) -> None:
    opening = _opening(short_night)
    reply = replace(opening, kind="reply", text="Resolved", is_open=False)
    assert "contradicting" in _kinds(_with(short_night, reply))


def test_pager_that_never_hears_of_the_end_is_noticed(short_night: Night) -> None:
    def deaf(message: Message) -> Message | None:
        return None if message.channel == PAGER and not message.is_open else message

    assert "contradicting" in _kinds(_changed(short_night, deaf))


def test_pager_that_resolves_with_words_of_the_opening_is_noticed(short_night: Night) -> None:
    opening = _opening(short_night, PAGER)
    resolved = replace(opening, is_open=False, at=STALLED.end + HOUR)
    assert "contradicting" in _kinds(_with(short_night, resolved))


def _low_level(message: Message) -> Message:
    return replace(message, level="warning")


def _end_of_before(message: Message) -> Message:
    return replace(message, text=f"{message.text} It has not held since 29 Nov 2026, 01:20 UTC.")


def _time_to_come(message: Message) -> Message:
    return replace(message, text=f"{message.text} Noticed 1 Dec 2026, 01:00 UTC.")


def _cause_of_another(message: Message) -> Message:
    return replace(message, title="Records lost. Nothing was read.")


@pytest.mark.parametrize("change", [_low_level, _end_of_before, _time_to_come, _cause_of_another])
def test_message_that_contradicts_is_noticed(
    short_night: Night, change: Callable[[Message], Message]
) -> None:
    opening = _opening(short_night, PAGER)
    wrong = _changed(short_night, lambda m: change(m) if m is opening else m)
    assert _kinds(wrong) == {"contradicting"}


def test_begin_after_the_end_is_noticed(short_night: Night) -> None:
    opening = _opening(short_night)
    text = SINCE.sub("since 29 Nov 2026, 03:59 UTC", opening.text)
    late = replace(opening, at=STALLED.end + 3 * HOUR, text=text)
    assert any("after it ended" in flaw.why for flaw in find_flaws(late, [STALLED]))


def test_second_incident_about_a_fault_is_noticed(short_night: Night) -> None:
    again = [replace(m, incident=9) for m in short_night.messages if m.incident is not None]
    doubled = replace(short_night, messages=_in_order([*short_night.messages, *again]))
    assert _kinds(doubled) == {"doubled"}


def test_text_that_is_posted_again_is_noticed(short_night: Night) -> None:
    opening = _opening(short_night)
    again = replace(opening, at=opening.at + timedelta(minutes=1))
    assert _kinds(_with(short_night, again)) == {"doubled"}


def test_channel_that_is_not_told_is_noticed(short_night: Night) -> None:
    silent = _changed(short_night, lambda m: None if m.channel == PAGER and m.is_open else m)
    assert _kinds(silent) == {"missing"}


def test_digest_that_does_not_come_is_noticed(short_night: Night) -> None:
    script = replace(short_night.script, end=END + timedelta(days=2))
    assert _kinds(replace(short_night, script=script)) == {"missing"}


def test_digest_that_denies_an_incident_is_noticed(short_night: Night) -> None:
    title = "Weekly digest: no drift in 2 models, no incident"
    at = _opening(short_night).at + timedelta(minutes=1)
    digest = Message(at, SLACK, "post", None, title, title, is_open=True)
    assert _kinds(_with(short_night, digest)) == {"contradicting"}


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("Signal missing: desk. No longer sent: feedback “thumbs_up”, usually on 41%", set()),
        ("Signal missing: desk. No longer sent: feedback “thumbs_up”, usually on 92%", {"false"}),
        ("Signal missing: router. No longer sent: feedback “thumbs_up”, as of desk", {"false"}),
        ("No traffic: desk. No longer sent: feedback.", {"false"}),
    ],
)
def test_message_is_compared_with_the_fault(short_night: Night, text: str, kinds: set[str]) -> None:
    strike = Strike(FAULTS["feedback stops"], END, END + 44 * HOUR, "desk", 0.5)
    message = replace(_opening(short_night, PAGER), title=text, text=text, level="error")
    assert {flaw.kind for flaw in find_flaws(message, [strike])} == kinds


@contextmanager
def _sensor_off() -> Iterator[None]:
    """Switch the sensor off, of the incident and of the heartbeat."""
    off = {"consumer_stalled": lambda _: CLEAR}
    with (
        mock.patch.dict(of_the_daemon.OF_THE_DAEMON, off),
        mock.patch("monitor.daemon.heartbeat.consumer_stalled", return_value=CLEAR),
    ):
        yield


def _false_alarm() -> AbstractContextManager[object]:
    text = "No record for 24 hours; each of the seven days before had some."
    return mock.patch.dict(OF_MODELS, {"no_traffic": lambda _: Holds(text)})


def _wrong_since() -> AbstractContextManager[object]:
    right = of_the_daemon.format_instant
    return mock.patch.object(of_the_daemon, "format_instant", lambda at: right(at - EARLIER))


@pytest.mark.parametrize(
    ("broken", "kind"),
    [(_sensor_off, ""), (_false_alarm, "false"), (_wrong_since, "contradicting")],
)
def test_broken_product_is_noticed(
    lived: Path,
    tmp_path: Path,
    short_script: Script,
    broken: Callable[[], AbstractContextManager[object]],
    kind: str,
) -> None:
    until_told = replace(short_script, end=STALLED.begin + 0.5 * HOUR)
    with broken():
        night = play(until_told, lived, tmp_path / "world")
    if kind:
        assert kind in _kinds(night)
    else:
        assert judge(night).due[0].message is None


def test_daemon_that_watches_nothing_is_noticed(
    lived: Path, tmp_path: Path, short_script: Script
) -> None:
    def stop_watching(world: World) -> None:
        world.stopped_jobs["watch"] += 1

    night = play(short_script, lived, tmp_path / "world", prepare=stop_watching)
    assert not judge(night).due[0].in_time


def test_fault_waits_for_what_hides_it() -> None:
    def strike(name: str, hours: float, lasts: float, model: str = "desk") -> Strike:
        begin = STALLED.begin + hours * HOUR
        return Strike(FAULTS[name], begin, begin + lasts * HOUR, model, 0.5)

    feedback, due = strike("feedback stops", 0, 40), STALLED.begin + 26 * HOUR

    def deadline(*besides: Strike) -> datetime:
        return _later(feedback, due, [feedback, *besides])

    assert deadline() == deadline(strike("traffic stops", 0, 30, "router"))
    assert deadline(strike("traffic stops", 0, 30)) > feedback.end
    assert deadline(strike("looks fail", 0, 30, "")) == deadline()
    assert deadline(strike("daemon dead", 2, 5, "")) == deadline() + 6 * HOUR
    drift = strike("new prompts", 0, 40)
    assert _later(drift, due, [drift, strike("looks fail", 0, 30, "")]) > due + 30 * HOUR
