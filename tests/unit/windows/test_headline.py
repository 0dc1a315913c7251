"""Findings and headline: what comes first, what is named, and what is left to the tables."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import numpy as np
import pytest

from monitor.drift import MixComparison
from monitor.rendering.numbers import format_day, format_estimate
from monitor.rendering.wording import describe_first_seen
from monitor.settings import Drift
from monitor.store.windows.assessment import FamilyAssessment, NumericAssessment, ShareEstimate
from monitor.windows.comparison.task_mix import TaskMix
from monitor.windows.findings.findings import Findings, Sides
from monitor.windows.findings.sentences.headline import compose_headline, describe_findings
from monitor.windows.findings.sentences.missing_data import (
    describe_fallen_coverage,
    describe_small_side,
)
from tests.support.windows.assessments import (
    estimated,
    make_descriptor_change,
    make_explanation,
    make_family,
    make_numeric_column,
    make_rest,
    make_slow,
    make_topic,
    not_comparable,
)

OUTPUT = make_family("output")
ALARM: dict[str, Any] = {"verdict": "drift", "alarm": True, "drifted_share": estimated(0.31)}


def findings(
    prompts: FamilyAssessment | None = None,
    responses: FamilyAssessment = OUTPUT,
    columns: tuple[NumericAssessment, ...] = (),
    **values: Any,
) -> tuple[str, ...]:
    """Return the findings at the default settings."""
    prompts = make_family() if prompts is None else prompts
    return tuple(describe_findings(prompts, responses, columns, **({"drift": Drift()} | values)))


def judge(**values: Any) -> NumericAssessment:
    """Return a metric of unknown direction that fell by a quarter."""
    defaults: dict[str, Any] = {
        "name": "judge", "direction": 0, "reference_mean": 3.96, "current_mean": 2.97,
        "effect_size": -0.6, "effect_lower": -0.7, "effect_upper": -0.5, "degraded": False,
        "relative_change": -0.25, "relative_change_lower": -0.28, "relative_change_upper": -0.22,
    }  # fmt: skip
    return make_numeric_column(**(defaults | values))


def position(sentences: tuple[str, ...], fact: str) -> int:
    """Return which finding says it; exactly one does."""
    (place,) = [at for at, sentence in enumerate(sentences) if fact in sentence]
    return place


def test_metric_comes_before_prompts_share_before_topics() -> None:
    sentences = findings(
        make_family(**ALARM, topics=(make_topic(),)), OUTPUT, (make_numeric_column(),)
    )
    assert sentences[0].startswith("`resolved` fell by 34% (from 0.82 to 0.54)")
    assert sentences[1] == "About 31% (16% to 46%) of the prompts are new."
    assert "“crypto, wallet, transfer” (12%)" in sentences[2]
    assert compose_headline(sentences) == " ".join(sentences[:3])


def test_events_of_responses_come_before_explanations_of_prompts() -> None:
    empty = make_explanation(
        kind="empty", side="response", text="", current=estimated(0.1), alarm=True
    )
    sentences = findings(
        make_family(**ALARM, explanations=(make_explanation(),), rest=make_rest()),
        make_family("output", explanations=(empty,)),
        (judge(),),
    )
    facts = ("responses are empty (none before)", "`judge`", "sent from the web", "Apart from that")
    places = [position(sentences, fact) for fact in facts]
    assert places == sorted(places)
    assert not any("No significant change" in sentence for sentence in sentences)


def test_a_metric_of_unknown_direction_asks_for_it() -> None:
    sentences = findings(columns=(judge(),))
    assert (
        sentences[0] == "`judge` fell by 25%; say in `drift.higher_is_better` which way is better."
    )
    known = findings(columns=(judge(),), drift=Drift(higher_is_better=("judge",)))
    assert known[0] == "`judge` fell by 25% (from 3.96 to 2.97)."
    length = findings(columns=(judge(name="total_tokens"),))
    assert "which way" not in " ".join(length)


def test_lost_metric_is_named_with_what_hurts() -> None:
    lost = "`resolved` is no longer sent (900 values before, none now)."
    sentences = findings(make_family(**ALARM), fallen=(lost,))
    assert sentences[0] == lost


def test_lost_metric_without_an_alarm_is_the_headline() -> None:
    lost = "Task type `refund` is no longer sent (190 exchanges before, none now)."
    sentences = findings(columns=(judge(),), fallen=(lost,))
    assert sentences[0] == f"Not comparable: {lost[0].lower()}{lost[1:]}"
    assert "`judge`" in sentences[1]


def test_metric_that_fell_in_coverage_has_no_estimate_unless_degraded() -> None:
    def sentences_on(column: NumericAssessment) -> str:
        compared = Findings(
            input=make_family(), output=OUTPUT, numeric_columns=(column,),
            sides=Sides(
                n_reference=600, n_current=400, estimated_current=None, mix=TaskMix({}, {}, None)
            ),
            fallen_coverage=not_comparable("judge").fallen_coverage,
            novelty=np.zeros(400), topic_of=np.zeros(400, dtype=np.int64),
        )  # fmt: skip
        return " ".join(compared.sentences)

    assert "`judge` fell by 25%" in sentences_on(judge(degraded=True))
    better = sentences_on(judge(direction=-1))
    assert better.startswith("Not comparable: `judge` is no longer sent")
    assert "25%" not in better


def test_fallen_user_field_explains_the_count() -> None:
    (metric,) = not_comparable("user").fallen_coverage
    field = msgspec.structs.replace(metric, kind="field")
    sentences = describe_fallen_coverage([field]) + describe_fallen_coverage([metric])
    assert ["another user" in sentence for sentence in sentences] == [True, False]


@pytest.mark.parametrize(
    "column",
    [
        judge(effect_size=0.1),
        judge(adjusted_p_value=0.02),
        judge(relative_change=0.04, relative_change_lower=0.03, relative_change_upper=0.05),
        judge(relative_change_lower=-0.5, relative_change_upper=0.1),
        judge(relative_change=None, effect_lower=None, effect_upper=None),
        judge(relative_change_lower=float("nan")),
    ],
    ids=["small", "chance", "below", "holds 0", "no interval", "NaN"],
)
def test_small_or_unsure_changes_of_metrics_are_left_out(column: NumericAssessment) -> None:
    assert findings(columns=(column,)) == findings()


def test_hundreds_of_degraded_metrics_are_counted() -> None:
    sentences = findings(columns=tuple(make_numeric_column(name=f"m{n}") for n in range(100)))
    assert sentences[3] == "97 more metrics are worse."
    assert len(compose_headline(sentences).split()) <= 30


def test_a_rare_metric_has_no_percentage() -> None:
    rare = make_numeric_column(relative_change=18.7, reference_mean=0.0055, current_mean=0.108)
    assert findings(columns=(rare,))[0] == "`resolved` rose from 0.0055 to 0.108."


def test_name_of_a_metric_ends_no_code() -> None:
    sentences = findings(
        columns=(make_numeric_column(name="`*a*` <b>"), make_numeric_column(name="%"))
    )
    assert sentences[0].startswith("`'*a*' <b>` fell by")
    assert sentences[1].startswith("`%` fell by 34%")


@pytest.mark.parametrize(("before", "is_new"), [(0.0, True), (0.003, True), (0.0067, False)])
def test_new_and_grown_topics_have_different_words(before: float, is_new: bool) -> None:
    topic = make_topic(share_reference=before, share_current=0.1)
    sentences = findings(make_family(**ALARM, topics=(topic,)))
    assert ("are new." in sentences[0]) == is_new
    assert sentences[0].startswith("“crypto, wallet, transfer” grew from 0.7% to 10%") != is_new


def test_small_and_unsure_topics_are_left_out() -> None:
    large, small = make_topic(), make_topic(name="small", share_current=0.01)
    unsure = make_topic(name="unsure", enrichment_lower=0.9)
    sentences = " ".join(findings(make_family(**ALARM, topics=(large, small, unsure))))
    assert "crypto" in sentences
    assert "small" not in sentences
    assert "unsure" not in sentences


def test_a_day_of_all_topics_is_reported_once() -> None:
    monday = datetime(2026, 11, 16, tzinfo=UTC)
    topics = [make_topic(name=f"topic {n}", exists_since=monday) for n in range(5)]

    def text(*named: Any) -> str:
        return " ".join(findings(make_family(**ALARM, topics=named)))

    assert "since 16 Nov: “topic 0” (12%), “topic 1” (12%), “topic 2” (12%) and 2 more." in (
        text(*topics)
    )
    later = make_topic(name="later", exists_since=monday + timedelta(days=2))
    assert "“topic 0” (12%) since 16 Nov and “later” (12%) since 18 Nov" in text(topics[0], later)
    unknown = make_topic(exists_since=monday, may_be_older=True)
    assert "since" not in text(unknown), "the window's first day"


@pytest.mark.parametrize(
    ("rest", "sentence"),
    [
        (make_rest(), "Apart from that, about 18% (14% to 21%) of the prompts are unlike"),
        (make_rest(verdict="no_drift"), "Only their form changed: without it, the prompts show no"),
        (make_rest(verdict="not_enough_data"), "Apart from that, too few prompts are left"),
        (None, "In all, about 31% (16% to 46%) of the prompts are unlike"),
    ],
    ids=["drift", "none", "few", "untested"],
)
def test_the_rest_follows_its_explanations(rest: Any, sentence: str) -> None:
    sentences = findings(make_family(**ALARM, explanations=(make_explanation(),), rest=rest))
    assert sentences[0] == (
        "Since 3 Nov, every prompt begins with “[sent from the web widget]” (none before)."
    )
    assert sentences[1].startswith(sentence)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"kind": "language", "text": "Spanish", "current": estimated(0.05)},
         "About 5% of the prompts are in Spanish (none before)."),
        ({"kind": "letter_case", "text": "in capitals", "reference": estimated(0.04)},
         "Every prompt is now in capitals (4% before)."),
        ({"current": estimated(0.0), "reference": ShareEstimate(estimate=1.0, lower=0.98, upper=1)},
         "No prompt begins with “[sent from the web widget]” any more (all before)."),
        ({"current": ShareEstimate(estimate=1.0, lower=0.7, upper=1.0)},
         "About 100% of the prompts begin with “[sent from the web widget]” (none before)."),
        ({"kind": "system_message", "text": "Be kind.", "before": "Be brief."},
         "The system message changed on all exchanges: “Be kind.” was “Be brief.”"),
        ({"kind": "tools", "text": "", "current": estimated(0.4)},
         "The definition of tools changed on about 40% of the exchanges."),
        ({"current": ShareEstimate(estimate=0.998, lower=0.99, upper=1.0)},
         "Almost all prompts begin with “[sent from the web widget]” (none before)."),
        ({"kind": "letter_case", "text": "in capitals", "current": estimated(0.4)},
         "About 40% of the prompts are in capitals (none before)."),
        ({"text": "[…]"}, "Every prompt now begins with a number, date or id: “[…]”."),
        ({"kind": "of a later release", "text": "x"}, "Every prompt now has a change"),
    ],
)  # fmt: skip
def test_sentence_of_an_explanation(values: dict[str, Any], sentence: str) -> None:
    explanation = make_explanation(**({"since": None} | values))
    sentences = findings(make_family(**ALARM, explanations=(explanation,)))
    assert sentences[0].startswith(sentence)


def test_small_explanations_follow_the_change_that_they_leave() -> None:
    small = make_explanation(kind="markup", text="lists", current=estimated(0.04), since=None)
    rest = make_rest(verdict="drift", drifted_share=estimated(0.31))
    family = make_family(**ALARM, explanations=(small,), rest=rest, topics=(make_topic(),))
    sentences = findings(family)
    assert sentences[0].startswith("About 31% (16% to 46%) of the prompts are new")
    assert sentences[2] == "About 4% of the prompts have lists (none before)."
    same = make_rest(verdict="no_drift")
    alone = findings(make_family(**ALARM, explanations=(small,), rest=same))
    assert alone[0] == sentences[2]


@pytest.mark.parametrize(
    ("length", "place"), [((-0.46, -0.54, -0.38), 0), ((-0.17, -0.2, -0.1), 1)]
)
def test_lost_lists_follow_much_shorter_responses(
    length: tuple[float, float, float], place: int
) -> None:
    lists = make_explanation(
        kind="markup", side="response", text="lists", since=None,
        reference=estimated(0.5), current=estimated(0.06),
    )  # fmt: skip
    change, lower, upper = length
    family = make_family(
        "output", **ALARM, explanations=(lists,), rest=make_rest(drifted_share=None),
        descriptors=(make_descriptor_change(change=change, lower=lower, upper=upper),),
    )  # fmt: skip
    sentences = findings(None, family)
    assert "shorter" in sentences[place]
    assert sentences[1 - place] == "About 6% of the responses have lists (50% before)."
    assert "not sure" not in " ".join(sentences)
    unnamed = findings(None, msgspec.structs.replace(family, descriptors=()))
    assert unnamed[1].startswith("Apart from that, the responses changed significantly; how many")


def test_small_events_that_do_not_alarm_come_late() -> None:
    def event(*, alarm: bool, share: float) -> tuple[str, ...]:
        refused = make_explanation(
            kind="refusal", side="response", text="", since=None, alarm=alarm,
            current=estimated(share),
        )  # fmt: skip
        return findings(make_family(**ALARM), make_family("output", explanations=(refused,)))

    assert [
        position(event(alarm=alarm, share=share), "refusals")
        for alarm, share in ((False, 0.04), (True, 0.04), (False, 0.06))
    ] == [1, 0, 0]


def test_explanations_below_the_least_share_or_unsure_are_left_out() -> None:
    small = make_explanation(current=ShareEstimate(estimate=0.015, lower=0.01, upper=0.02))
    unsure = make_explanation(current=ShareEstimate(estimate=0.03, lower=0.002, upper=0.08))
    alarming = make_explanation(
        kind="error", side="response", alarm=True,
        current=ShareEstimate(estimate=0.015, lower=0.01, upper=0.02),
    )  # fmt: skip
    sentences = " ".join(findings(make_family(**ALARM, explanations=(small, unsure, alarming))))
    assert "begin" not in sentences
    assert "About 1% of the responses are errors" in sentences or "About 2% of the" in sentences


def test_responses_have_plain_words_for_what_changed() -> None:
    changes = (
        make_descriptor_change(),
        make_descriptor_change(
            name="refusal", unit="points", change=0.095, lower=0.04, upper=0.15, p_value=0.001
        ),
        make_descriptor_change(
            name="non-letter share", unit="points", change=-0.001, lower=-0.001, upper=-0.0001
        ),
        make_descriptor_change(name="loop", unit="points", change=-0.9, lower=-1.0, upper=0.2),
    )
    family = make_family(
        "output", **ALARM, is_shift=True, shift=estimated(0.6), descriptors=changes
    )
    sentences = findings(None, family)
    assert sentences[:2] == (
        "Of the responses to comparable prompts, 10 points more are refusals (4 to 15).",
        "Responses to comparable prompts are 17% shorter (9% to 25%).",
    )
    assert "digits" not in " ".join(sentences)
    assert "without end" not in " ".join(sentences)
    nothing = make_family("output", **ALARM, is_shift=True, shift=estimated(0.6))
    assert findings(None, nothing)[0] == "The responses changed a little as a whole."


@pytest.mark.parametrize(
    ("rest", "facts"),
    [
        (make_rest(), ["Apart from that, about 18%", "17% shorter"]),
        (make_rest(verdict="no_drift"), ["Apart from that, the responses show no"]),
        (make_rest(verdict="not_enough_data"), ["Apart from that, too few responses"]),
        (make_rest(verdict="not_enough_data", n_current=0), []),
    ],
    ids=["drift", "none", "few", "nothing left"],
)
def test_descriptors_of_explained_responses_are_left_out(rest: Any, facts: list[str]) -> None:
    empty = make_explanation(kind="empty", side="response", text="", alarm=True)
    family = make_family(
        "output", **ALARM, explanations=(empty,), rest=rest, descriptors=(make_descriptor_change(),)
    )
    column = judge(side="response", name="loop share", reference_mean=1.0, current_mean=2.0)
    sentences = findings(make_family(**ALARM), family)
    untested = msgspec.structs.replace(family, verdict="not_enough_data", descriptors=())
    assert "of the responses rose" in " ".join(
        findings(None, msgspec.structs.replace(untested, rest=None), (column,))
    )
    assert ("of the responses rose" in " ".join(findings(None, untested, (column,)))) is (
        rest.verdict == "drift"
    )
    event, *further = [sentence for sentence in sentences if "esponses" in sentence]
    assert event.startswith("All responses are empty")
    assert len(further) == len(facts)
    assert all(map(str.__contains__, further, facts))


def test_an_unreported_explanation_hides_no_rest() -> None:
    before = ShareEstimate(estimate=1.0, lower=0.98, upper=1.0)
    rest = make_rest(verdict="not_enough_data", n_current=0)
    family = make_family(**ALARM, explanations=(make_explanation(reference=before),), rest=rest)
    assert findings(family)[0] == "Apart from that, too few prompts are left to be compared."


def test_a_share_with_0_in_its_interval_has_no_number() -> None:
    unsure = ShareEstimate(estimate=0.004, lower=0.0, upper=0.03)
    for values in ({}, {"moved_share": unsure, "is_mix": True}):
        sentences = findings(make_family(**(ALARM | {"drifted_share": unsure} | values)))
        assert sentences[0] == "The prompts changed significantly; how many of them is not sure."


def test_headline_dates_slow_drift() -> None:
    sentences = findings(make_family(slow=make_slow()))
    assert "drifted slowly since 5 Oct" in sentences[0]
    assert format_estimate(estimated(0.021)) in sentences[0]
    explained = make_family(slow=make_slow(), explanations=(make_explanation(),))
    assert findings(explained)[0] == sentences[0], "what alarms comes first"
    both = make_family(**ALARM, slow=make_slow())
    assert "5 Oct" not in " ".join(findings(both)), "the window alarms by itself"
    for bound in (0.0, 0.004):
        slow = make_slow(
            alarm=False, drifted_share=ShareEstimate(estimate=0.004, lower=bound, upper=0.01)
        )
        assert findings(make_family(slow=slow)) == findings()


def test_findings_of_prompts_only_omit_responses() -> None:
    none = make_family("output", verdict="not_enough_data", untested_reason="no_responses")
    assert findings(None, none) == ("No significant change of the prompts.",)
    assert "responses" not in " ".join(findings(make_family(**ALARM), none))
    few = make_family("output", verdict="not_enough_data", untested_reason="few_responses")
    assert findings(None, few)[0].startswith("The responses could not be compared: too few")


@pytest.mark.parametrize(
    ("verdict", "result"),
    [("no_drift", "show no significant change"), ("drift", "changed significantly")],
)
def test_responses_are_compared_without_the_new_form_of_prompts(verdict: str, result: str) -> None:
    hidden = make_family(
        "output", verdict="not_enough_data", untested_reason="few_comparable_prompts",
        rest=make_rest(verdict=verdict),
    )  # fmt: skip
    sentences = findings(make_family(**ALARM, explanations=(make_explanation(),)), hidden)
    assert f"Without the new form of the prompts, the responses {result}." in sentences
    assert "could not be compared" not in " ".join(sentences)


def test_explanation_without_a_significant_change_leads() -> None:
    capitals = make_explanation(kind="letter_case", text="in capitals", since=None)
    sentences = findings(make_family(explanations=(capitals,)))
    assert sentences[:2] == (
        "Every prompt is now in capitals.",
        "Apart from that, the prompts show no significant change.",
    )


def test_topic_that_is_gone_leads_a_change_below_the_threshold() -> None:
    gone = make_explanation(
        kind="rarer_topic", text="", before="loan, bank", since=None,
        reference=estimated(0.1), current=estimated(0.0),
    )  # fmt: skip
    sentences = findings(make_family(verdict="drift", explanations=(gone,)))
    assert sentences[0] == "“loan, bank” fell from 10% of the prompts to none."
    assert "below the alert threshold" in sentences[1]


def test_no_change_names_unread_texts() -> None:
    unread = make_family(unread_current=0.06, unread_reference=0.0)
    assert "(the encoder cannot read 6% of them)" in findings(unread)[0]


def test_an_unknown_verdict_is_not_no_change() -> None:
    later: Any = make_family(verdict="of a later release")
    assert findings(later) == ("No significant change of the responses.",)


def test_missing_data_is_reported_in_numbers() -> None:
    sentence = describe_small_side(2000, 37, 100)
    assert "`drift.min_samples` requires 100" in sentence
    assert "the window has 37 exchanges" in sentence
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
    slow = make_family(**ALARM, topics=(topic,), slow=make_slow())
    assert format_day(first) in " ".join(findings(slow))
    assert "5 Oct" not in " ".join(findings(slow)).replace("26 Oct", "")


@pytest.mark.parametrize(
    ("now", "is_mix", "place", "sentence"),
    [
        (0.04, True, 0, "“loan, bank” fell from 30% to 4% of the prompts."),
        (0.0, True, 0, "“loan, bank” fell from 30% of the prompts to none."),
        (0.0, False, 2, "“loan, bank” fell from 30% of the prompts to none."),
        (0.29, True, -1, ""),
    ],
)
def test_rarer_topic_leads_a_mix_and_follows_what_is_new(
    now: float, is_mix: bool, place: int, sentence: str
) -> None:
    rarer = make_explanation(
        kind="rarer_topic", text="", before="loan, bank", since=None,
        reference=estimated(0.3), current=estimated(now),
    )  # fmt: skip
    moved = estimated(0.4) if is_mix else None
    family = make_family(
        **ALARM, is_mix=is_mix, moved_share=moved, topics=(make_topic(),), explanations=(rarer,)
    )
    sentences = findings(family)
    if place < 0:
        assert "fell" not in " ".join(sentences)
    else:
        assert sentences[place] == sentence
        assert any("are new or more frequent" in sentence for sentence in sentences)


def test_moved_share_comes_before_new_prompts() -> None:
    mixed = ALARM | {"moved_share": estimated(0.25), "drifted_share": estimated(0.033)}
    sentences = findings(make_family(**mixed, is_mix=True))
    assert sentences[0].startswith(format_estimate(estimated(0.25)).capitalize())
    assert format_estimate(estimated(0.033)).capitalize() in sentences[1]
    assert "25%" not in " ".join(findings(make_family(**mixed)))


@pytest.mark.parametrize(("share", "place"), [(0.2, 0), (0.1, 2)])
def test_topic_that_is_most_of_a_mix_comes_first(share: float, place: int) -> None:
    topic = make_topic(name="loan, bank", share_reference=0.05, share_current=share)
    mixed = ALARM | {"moved_share": estimated(0.25), "drifted_share": estimated(0.033)}
    sentences = findings(make_family(**mixed, is_mix=True, topics=(topic,)))
    assert sentences[place].startswith("“loan, bank” grew from 5.0% to")
    assert any("moved between groups" in sentence for sentence in sentences)


@pytest.mark.parametrize(("lower", "is_named"), [(0.12, True), (0.0, False)])
def test_task_types_that_moved_are_named_with_the_prompts(lower: float, is_named: bool) -> None:
    mix = MixComparison(
        reference={"a": 0.5, "b": 0.5},
        current={"a": 0.7, "b": 0.3},
        statistic=40.0,
        p_value=0.001,
        effect_size=0.2,
        moved_share=0.19,
        moved_share_interval=(lower, 0.26),
    )
    assert ("task types" in " ".join(findings(make_family(**ALARM), mix=mix))) == is_named
    # Without a change of the prompts, the mix is left to its own section.
    assert "task types" not in " ".join(findings(mix=mix))


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"name": "length in tokens", "relative_change": 0.48, "relative_change_lower": 0.4,
          "relative_change_upper": 0.55, "reference_mean": 30.4, "current_mean": 45.0,
          "effect_size": 0.4}, "The prompts are 48% longer (from 30.4 to 45 tokens)."),
        ({"name": "questions", "reference_mean": 0.61, "current_mean": 0.34},
         "About 34% of the prompts are questions (61% before)."),
        ({"name": "language: es", "reference_mean": 0.0, "current_mean": 0.3, "effect_size": 0.3,
          "relative_change": None, "effect_lower": 0.2, "effect_upper": 0.4},
         "About 30% of the prompts are in language es (0% before)."),
        ({"name": "lines", "reference_mean": 4.0, "current_mean": 3.0},
         "The lines of the prompts fell by 34% (from 4 to 3)."),
    ],
)  # fmt: skip
def test_sentence_of_a_descriptor_of_prompts(values: dict[str, Any], sentence: str) -> None:
    column = make_numeric_column(**({"side": "prompt", "direction": 0, "degraded": False} | values))
    assert findings(columns=(column,))[0] == sentence
    explained = make_family(**ALARM, explanations=(make_explanation(),))
    assert sentence not in findings(explained, columns=(column,))
