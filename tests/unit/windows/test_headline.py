"""Headlines: figures, names and comparisons in one sentence."""

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from monitor.drift import MixComparison
from monitor.rendering.numbers import format_day, format_estimate
from monitor.rendering.wording import describe_first_seen
from monitor.store.windows.assessment import FamilyAssessment, ShareEstimate, Topic
from monitor.windows.findings.headline import describe_small_side, headline
from tests.support.windows.assessments import (
    estimated,
    make_family,
    make_numeric_column,
    make_slow,
    make_topic,
)

OUTPUT = make_family("output")


def test_headline_names_share_topic_and_metric() -> None:
    drifted = make_family(
        verdict="drift", alarm=True, drifted_share=estimated(0.31), topics=(make_topic(),)
    )
    sentence = headline(drifted, OUTPUT, [make_numeric_column()])
    for fact in (
        "about 31% (16% to 46%) differ from the baseline",
        "“crypto, wallet, transfer”",
        "`resolved` fell by 34%",
    ):
        assert fact in sentence
    changed = make_family("output", verdict="drift", alarm=True, drifted_share=estimated(0.2))
    assert "have drifted: about 20% (10% to 30%)" in headline(make_family(), changed, [])


def test_a_day_of_all_topics_is_reported_once() -> None:
    monday = datetime(2026, 11, 16, tzinfo=UTC)
    topics = [make_topic(name=f"topic {n}", exists_since=monday) for n in range(5)]
    values = {"verdict": "drift", "alarm": True, "drifted_share": estimated(0.31)}

    def text(*named: Topic) -> str:
        return headline(make_family(**values, topics=named), OUTPUT, [])

    assert "“topic 0”, “topic 1”, “topic 2” and 2 more, all since 16 Nov" in text(*topics)
    later = make_topic(name="later", exists_since=monday + timedelta(days=2))
    assert "“topic 0” since 16 Nov and “later” since 18 Nov" in text(topics[0], later)
    assert "among them “topic 0” since 16 Nov" in text(topics[0])


@pytest.mark.parametrize("prompts", ["same", "drifted", "below", "untested"])
@pytest.mark.parametrize("responses", ["same", "drifted", "below", "untested"])
def test_a_fallen_metric_contradicts_no_finding(prompts: str, responses: str) -> None:
    values: dict[str, dict[str, Any]] = {
        "same": {},
        "drifted": {"verdict": "drift", "alarm": True, "drifted_share": estimated(0.31)},
        "below": {"verdict": "drift"},
        "untested": {"verdict": "not_enough_data", "untested_reason": "few_responses"},
    }
    families = make_family(**values[prompts]), make_family("output", **values[responses])
    text = headline(*families, [make_numeric_column()])
    sentences = text.removesuffix(".").split(". ")
    about = [sentence for sentence in sentences if "`resolved` fell by 34%" in sentence]
    assert 1 == len(about)
    # The metric has a sentence of its own, whose exchanges are named where responses are the same.
    assert "respons" not in about[0]
    assert " but " not in text
    if (prompts, responses) == ("same", "same"):
        assert [about[0], "The texts of prompts and responses show no significant change"] == (
            sentences
        )
    elif responses in {"same", "below"}:
        assert "over all prompts" in about[0]
        assert ("drifted ones included" in about[0]) == (prompts == "drifted")


def test_headline_names_large_changes_without_a_direction() -> None:
    longer = make_numeric_column(
        name="length", side="response", effect_size=0.27, relative_change=0.53,
        reference_mean=851.0, current_mean=1306.0, degraded=False,
    )  # fmt: skip
    assert "`response length` rose by 53%" in headline(make_family(), OUTPUT, [longer])
    rare = make_numeric_column(
        name="refusal", side="response", direction=-1, relative_change=18.7,
        reference_mean=0.0055, current_mean=0.108,
    )  # fmt: skip
    assert "`response refusal` rose from 0.0055 to 0.108" in headline(make_family(), OUTPUT, [rare])
    degraded = headline(make_family(), OUTPUT, [longer, make_numeric_column()])
    assert "`resolved` fell by 34%" in degraded
    assert "length" not in degraded


def test_headline_omits_small_and_insignificant_changes() -> None:
    small = make_numeric_column(effect_size=0.1, degraded=False)
    chance = make_numeric_column(effect_size=0.3, adjusted_p_value=0.02, degraded=False)
    assert headline(make_family(), OUTPUT, [small, chance]) == headline(make_family(), OUTPUT, [])


def test_headline_dates_slow_drift() -> None:
    sentence = headline(make_family(slow=make_slow()), OUTPUT, [])
    assert f"since 5 Oct: {format_estimate(estimated(0.021))} of the prompts" in sentence
    both = make_family(verdict="drift", alarm=True, drifted_share=estimated(0.06), slow=make_slow())
    assert "5 Oct" not in headline(both, OUTPUT, []), "the window alarms by itself"
    for bound in (0.0, 0.004):
        slow = make_slow(
            alarm=False, drifted_share=ShareEstimate(estimate=0.004, lower=bound, upper=0.01)
        )
        quiet = headline(make_family(slow=slow), OUTPUT, [])
        assert "5 Oct" not in quiet
        assert "%" not in quiet


def test_headline_dates_each_topic_by_its_own_days() -> None:
    topics = (
        make_topic(name="crypto", exists_since=datetime(2026, 10, 26, 9, tzinfo=UTC)),
        make_topic(name="loan", exists_since=datetime(2026, 11, 2, tzinfo=UTC), may_be_older=True),
        make_topic(name="card"),
    )
    drifted = make_family(
        verdict="drift",
        alarm=True,
        drifted_share=estimated(0.06),
        topics=topics,
        slow=make_slow(since=datetime(2026, 10, 19, tzinfo=UTC)),
    )
    sentence = headline(drifted, OUTPUT, [])
    assert "“crypto” since 26 Oct, “loan” since 2 Nov or earlier and “card”; " in sentence
    assert "19 Oct" not in sentence


def test_missing_data_is_reported_in_numbers() -> None:
    sentence = describe_small_side(2000, 37, 100)
    assert "100 exchanges are required" in sentence
    assert "the window has 37" in sentence
    assert "2,000" not in sentence


def test_topic_has_its_date_of_origin() -> None:
    first = datetime(2026, 10, 26, 9, tzinfo=UTC)
    topic = make_topic(first_seen=datetime(2026, 11, 2, tzinfo=UTC), exists_since=first)
    described = describe_first_seen(topic)
    assert "26 Oct 2026, 09:00 UTC" in described
    assert "2 Nov 2026, 00:00 UTC" in described
    alone = describe_first_seen(make_topic(first_seen=first, exists_since=first))
    assert alone.count("26 Oct") == 1
    assert "or earlier" not in alone
    older = make_topic(first_seen=first, exists_since=first, may_be_older=True)
    assert "or earlier" in describe_first_seen(older)


def mixed(moved: float, drifted: float) -> FamilyAssessment:
    return make_family(
        verdict="drift",
        alarm=True,
        p_value=0.001,
        drifted_share=estimated(drifted),
        moved_share=estimated(moved),
        is_mix=True,
    )


def test_headline_names_moved_and_drifted_share_of_a_mix() -> None:
    text = headline(mixed(0.25, 0.033), make_family("output"), ())
    assert format_estimate(estimated(0.25)) in text
    assert format_estimate(estimated(0.033)) in text
    plain = msgspec.structs.replace(mixed(0.25, 0.033), is_mix=False)
    text = headline(plain, make_family("output"), ())
    assert format_estimate(estimated(0.25)) not in text


def test_headline_names_what_moved_between_task_types() -> None:
    mix = MixComparison(
        reference={"a": 0.5, "b": 0.5},
        current={"a": 0.7, "b": 0.3},
        statistic=40.0,
        p_value=0.001,
        effect_size=0.2,
        moved_share=0.19,
        moved_share_interval=(0.12, 0.26),
    )
    drifted = mixed(0.25, 0.033)
    assert "task types" in headline(drifted, make_family("output"), (), mix)
    unsure = dataclasses.replace(mix, moved_share_interval=(0.0, 0.26))
    assert "task types" not in headline(drifted, make_family("output"), (), unsure)
    # Without a change of the prompts, the mix is left to its own section.
    assert "task types" not in headline(make_family(), make_family("output"), (), mix)


def test_since_of_a_topic_is_its_own() -> None:
    own = datetime(2026, 11, 3, 9, tzinfo=UTC)
    family = make_family(
        verdict="drift",
        alarm=True,
        p_value=0.0001,
        drifted_share=estimated(0.2),
        topics=(make_topic(exists_since=own),),
        slow=make_slow(),
    )
    text = headline(family, make_family("output"), ())
    assert format_day(own) in text
    assert make_slow().since is not None
    assert format_day(make_slow().since) not in text
