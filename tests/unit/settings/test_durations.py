"""Durations of the settings: parsing, formatting and ranges."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from monitor.setting_types.durations import parse_duration
from monitor.settings import Kafka, Retention, Rollout, format_duration
from monitor.settings.web import Web


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("48h", timedelta(hours=48)),
        ("90d", timedelta(days=90)),
        ("4w", timedelta(weeks=4)),
        ("20m", timedelta(minutes=20)),
        ("5s", timedelta(seconds=5)),
        ("300ms", timedelta(milliseconds=300)),
        ("0s", timedelta()),
    ],
)
def test_a_duration_is_read_and_written(text: str, duration: timedelta) -> None:
    assert duration == parse_duration(text)
    assert duration == parse_duration(format_duration(duration))


@pytest.mark.parametrize(
    "text", ["", "180", "six months", "-1d", "1.5d", "180 d", "1y", "1000000000d"]
)
def test_duration_in_another_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write a whole number and a unit"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("section", "values", "problem"),
    [
        (Kafka, {"session_timeout": "5s"}, "at least 6s"),
        (Web, {"invitation_lifetime": "91d"}, "at most 90d"),
        (Web, {"invitation_lifetime": "0s"}, "more than 0"),
        (Web, {"invitation_lifetime": 7}, "whole number and a unit"),
        (Retention, {"exchanges": "13d"}, "at least 14d"),
        (Retention, {"access_log": "1m"}, "at least 30d"),
        (Retention, {"access_log": "29d"}, "at least 30d"),
        (Retention, {"reviews": "90d"}, "as long as exchanges"),
        (Retention, {"exchanges": "0d"}, "more than 0"),
    ],
)
def test_a_duration_out_of_range_is_refused(
    section: type, values: dict[str, object], problem: str
) -> None:
    with pytest.raises(ValidationError, match=problem):
        section(**values)


def test_an_empty_duration_is_none() -> None:
    assert Retention(exchanges="", dead_letters="").exchanges is None
    assert Retention().model_dump(mode="json")["reviews"] == ""


def test_a_stage_may_have_no_least_duration() -> None:
    assert timedelta() == Rollout(min_dwell="0s").min_dwell
