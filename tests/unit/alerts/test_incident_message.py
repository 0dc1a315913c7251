"""Slack's blocks stay within its limits, and what strangers wrote stays text."""

import json
from datetime import UTC, datetime

import pytest

from monitor.alerts.incidents import fingerprint_of, severity_of
from monitor.alerts.messages.incident import (
    TITLES,
    EvaluationSummary,
    detail_blocks,
    incident_blocks,
)
from monitor.alerts.messages.mrkdwn import MAX_BLOCKS, escape, render_text, sections, within_limits
from monitor.settings import Alerts
from monitor.store.windows.assessment import Assessment
from tests.support.windows.assessments import (
    HOSTILE,
    make_assessment,
    make_examples,
    make_family,
    make_numeric_column,
    make_slow,
    make_topic,
    not_enough_data,
)

ALERTS = Alerts(public_url="https://drift.example/", runbook_url="https://wiki.example/run?a=1&b=2")


def subject_of(assessment: Assessment) -> EvaluationSummary:
    return EvaluationSummary(
        evaluation_id=12,
        window_start=datetime(2026, 11, 2, tzinfo=UTC),
        window_end=datetime(2026, 11, 9, tzinfo=UTC),
        assessment=assessment,
        baseline="ab12cd34ef56, 2026-10-01 to 2026-10-20",
    )


def huge_and_hostile() -> Assessment:
    topics = tuple(
        make_topic(index=index, name=HOSTILE * 9, examples=make_examples(HOSTILE + "&" * 5000) * 5)
        for index in range(40)
    )
    family = make_family(verdict="drift", alarm=True, drifted_share_lower_bound=0.3, topics=topics)
    return make_assessment(
        0.3,
        model="&" * 5000,
        headline="&" * 9000,
        input=family,
        output=make_family("output", verdict="drift", alarm=True, topics=topics),
        numeric_columns=tuple(make_numeric_column(name="<&>" * 400 + str(n)) for n in range(90)),
        mix_reference={"<&>" * 90 + str(n): 0.5 for n in range(30)},
        remarks=("&" * 5000,) * 60,
    )


def longest_text(blocks: list[dict]) -> int:
    texts = [block["text"]["text"] for block in blocks if "text" in block]
    texts += [one["text"] for block in blocks for one in block.get("elements", [])]
    return max(len(text) for text in texts)


@pytest.mark.parametrize("phase", list(TITLES))
def test_the_largest_message_is_within_slacks_limits(phase: str) -> None:
    subject = subject_of(huge_and_hostile())
    for blocks in (incident_blocks(subject, phase, ALERTS), detail_blocks(subject, phase)):
        assert 0 < len(blocks) <= MAX_BLOCKS
        assert longest_text(blocks) <= 3000
        assert len(blocks[0]["text"]["text"]) <= 150 or blocks[0]["type"] == "section"


def test_what_strangers_wrote_mentions_and_links_nothing() -> None:
    assessment = make_assessment(
        0.3,
        headline=HOSTILE,
        input=make_family(
            verdict="drift",
            alarm=True,
            topics=(make_topic(name=HOSTILE, examples=make_examples(HOSTILE)),),
        ),
        remarks=(HOSTILE,),
    )
    subject = subject_of(assessment)
    written = json.dumps(
        [incident_blocks(subject, "opened", ALERTS), detail_blocks(subject, "opened")]
    )
    assert "<!channel>" not in written
    assert "<https://evil.example" not in written
    assert "<script>" not in written
    assert "&lt;!channel&gt;" in written


def test_the_message_says_what_who_how_sure_and_what_next() -> None:
    assessment = make_assessment(
        0.31,
        numeric_columns=(make_numeric_column(),),
        mix_reference={"billing": 0.5, "cards": 0.5},
        mix_current={"billing": 0.3, "cards": 0.5, "crypto": 0.2},
    )
    text = render_text(incident_blocks(subject_of(assessment), "opened", ALERTS))
    for expected in (
        "Drift: assistant",
        "at least 31% of the prompts are unlike the baseline",
        "resolved 0.82 → 0.54 (-34%, 95% interval -39% to -29%), effect -0.28, n = 2,000 → 500",
        "12.0% of the window against 0.3%: at least 18 times as frequent (95%), n = 61",
        "task type crypto: 0% → 20%",
        "have the review queue worked",
        "Report (https://drift.example/drift-evaluations/12/report)",
        "Review queue (https://drift.example/review)",
        "Runbook (https://wiki.example/run?a=1&b=2)",
        "Window 2026-11-02 00:00 to 2026-11-09 00:00 UTC (n = 500) against baseline ab12cd34ef56",
    ):
        assert expected in text


def test_details_show_examples_as_quotes() -> None:
    text = render_text(detail_blocks(subject_of(make_assessment(0.31)), "opened"))
    assert "> How do I move my crypto wallet?" in text


def test_details_tell_the_change_of_mix_where_it_was_tested() -> None:
    tested = make_assessment(0.31, mix_p_value=0.0015, mix_effect_size=0.2)
    text = render_text(detail_blocks(subject_of(tested), "opened"))
    assert "Mix of task types: 20% of the traffic moved, p = 0.0015" in text
    text = render_text(detail_blocks(subject_of(make_assessment(0.31)), "opened"))
    assert "Mix of task types" not in text


def test_input_and_output_drift_ask_for_different_steps() -> None:
    output = make_family("output", verdict="drift", alarm=True, drifted_share_lower_bound=0.2)
    assessment = make_assessment(verdict="drift", alarm=True, output=output)
    text = render_text(incident_blocks(subject_of(assessment), "opened", ALERTS))
    assert "look first at what was released" in text
    assert "was not trained for" not in text


def test_slow_drift_is_one_line_and_asks_for_the_same_step_as_sudden_drift() -> None:
    assessment = make_assessment(verdict="drift", alarm=True, input=make_family(slow=make_slow()))
    text = render_text(incident_blocks(subject_of(assessment), "opened", ALERTS))
    assert (
        "• What people ask: drift, slow drift since 5 Oct, found in the window of 26 Oct (p = "
        "2e-06 over 9 windows): about 2.1% of the prompts, at least 1.4%, are unlike those before"
    ) in text
    assert "was not trained for" in text
    quiet = make_family(slow=make_slow(alarm=False))
    text = render_text(incident_blocks(subject_of(make_assessment(input=quiet)), "opened", ALERTS))
    assert "• What people ask: slow drift since 5 Oct" in text
    assert "was not trained for" not in text


def test_not_enough_data_says_what_to_check() -> None:
    text = render_text(incident_blocks(subject_of(not_enough_data()), "not_enough_data", ALERTS))
    assert "driftwarden check" in text
    assert "How sure" not in text


def test_what_was_compared_is_told_where_the_rest_was_not_enough() -> None:
    assessment = make_assessment(verdict="not_enough_data")
    text = render_text(incident_blocks(subject_of(assessment), "not_enough_data", ALERTS))
    assert "How sure" in text
    assert "See in the report what could not be compared" in text
    assert "driftwarden check" not in text


def test_escaping_leaves_one_line_without_code_spans() -> None:
    assert escape("a\n`b` <c> & d") == "a 'b' &lt;c&gt; &amp; d"
    assert escape("&" * 10, limit=4) == "&amp;&amp;&amp;…"


def test_lines_are_packed_into_few_sections() -> None:
    blocks = sections(["x" * 1400] * 5)
    assert [len(block["text"]["text"]) for block in blocks] == [2801, 2801, 1400]


def test_too_many_blocks_end_with_a_word_about_it() -> None:
    blocks = within_limits(sections(["x" * 3000] * 60))
    assert len(blocks) == MAX_BLOCKS
    assert blocks[-1]["elements"][0]["text"] == "There is more in the report."


def test_fingerprint_and_severity() -> None:
    metric = make_numeric_column(relative_change=None)
    assessment = make_assessment(0.2, numeric_columns=(metric,))
    assert fingerprint_of(assessment) == {"input", "metric:resolved"}
    assert severity_of(assessment) == 1.0
    assert severity_of(make_assessment(0.2)) == 0.2
    assert severity_of(make_assessment()) == 0.0


def test_slow_drift_is_input_drift_of_its_own_severity() -> None:
    slow = make_assessment(alarm=True, input=make_family(slow=make_slow()))
    assert fingerprint_of(slow) == {"input"}
    assert severity_of(slow) == 0.014
    little = make_assessment(input=make_family(slow=make_slow(alarm=False)))
    assert fingerprint_of(little) == frozenset()
    assert severity_of(little) == 0.0
