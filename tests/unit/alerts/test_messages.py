"""Slack messages of incidents: figures, links, limits, and untrusted text."""

import json
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from monitor.alerts.drift_alarms import fingerprint_of, severity_of
from monitor.alerts.incident_states import Event
from monitor.alerts.messages.incident import (
    LINES,
    EvaluationSummary,
    detail_blocks,
    missing_data_text,
)
from monitor.alerts.messages.next_steps import next_steps
from monitor.alerts.messages.text import MAX_WORDS, count_words
from monitor.rendering.mrkdwn import MAX_BLOCKS, escape, render_text, sections, within_limits
from monitor.rendering.wording import state_verdict
from monitor.settings import Alerts
from monitor.store.windows.assessment import Assessment, ShareEstimate
from monitor.windows.findings.sentences.missing_data import (
    describe_few_end_users,
    describe_small_side,
)
from tests.support.windows.assessment_cases import CASES, slow_drift, with_findings
from tests.support.windows.assessments import (
    HOSTILE,
    estimated,
    make_assessment,
    make_examples,
    make_family,
    make_numeric_column,
    make_slow,
    make_topic,
    not_comparable,
    not_enough_data,
)

ALERTS = Alerts(public_url="https://drift.example/", runbook_url="https://wiki.example/run?a=1&b=2")


def summarize(assessment: Assessment) -> EvaluationSummary:
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
    family = make_family(verdict="drift", alarm=True, drifted_share=estimated(0.3), topics=topics)
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
    texts += [element["text"] for block in blocks for element in block.get("elements", [])]
    return max(len(text) for text in texts)


@pytest.mark.parametrize("event", list(LINES))
def test_largest_message_is_within_slacks_limits(event: Event) -> None:
    summary = summarize(huge_and_hostile())
    for blocks in (
        detail_blocks(summary, event, ALERTS),
        missing_data_text(summary, ALERTS).blocks(),
    ):
        assert 0 < len(blocks) <= MAX_BLOCKS
        assert longest_text(blocks) <= 3000
        assert len(blocks[0]["text"]["text"]) <= 150 or blocks[0]["type"] == "section"


@pytest.mark.parametrize(
    "assessment",
    [
        replace(not_enough_data(), headline=describe_few_end_users(3, 4)),
        replace(
            not_enough_data(shortages=("small_window", "no_baseline")),
            headline=describe_small_side(0, 80, 100),
        ),
        not_comparable("csat", "resolved"),
        not_comparable(*(f"metric_{number} of a long name" for number in range(9))),
    ],
)
def test_missing_data_without_an_incident_is_short(assessment: Assessment) -> None:
    text = missing_data_text(summarize(assessment), ALERTS)
    assert count_words([text.summary, *text.links]) <= MAX_WORDS
    assert text.summary.count(state_verdict(assessment)) == 1
    assert "Window of 2 Nov to 8 Nov 2026." in text.summary
    assert f"Next: {next_steps(assessment)[0].removeprefix('• ')[:20]}" in render_text(
        text.blocks()
    )
    assert f"/drift-evaluations/{summarize(assessment).evaluation_id}/report" in str(text.links)


def test_untrusted_text_mentions_and_links_nothing() -> None:
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
    summary = summarize(assessment)
    written = json.dumps(detail_blocks(summary, "opened", ALERTS))
    assert "<!channel>" not in written
    assert "<https://evil.example" not in written
    assert "<script>" not in written
    assert "&lt;!channel&gt;" in written


def test_message_shows_figures_and_links() -> None:
    assessment = make_assessment(
        0.31,
        numeric_columns=(make_numeric_column(),),
        mix_reference={"billing": 0.5, "cards": 0.5},
        mix_current={"billing": 0.3, "cards": 0.5, "crypto": 0.2},
    )
    summary = summarize(with_findings(assessment))
    text = render_text(detail_blocks(summary, "opened", ALERTS))
    for figure in (
        "About 31% (16% to 46%) of the prompts",
        "resolved: -34% (-39% to -29%), p adjusted ≤ 0.0001, n = 2,000 → 500",
        "crypto, wallet, transfer, n = 61, from 48 end users, at least 18 times as frequent",
        "crypto: 0% → 20%",
        "(https://drift.example/drift-evaluations/12/report)",
        "(https://drift.example/review)",
        "(https://wiki.example/run?a=1&b=2)",
        "2026-11-02 00:00 to 2026-11-09 00:00 UTC (n = 500)",
        "ab12cd34ef56",
    ):
        assert figure in text


def test_details_quote_examples() -> None:
    text = render_text(detail_blocks(summarize(make_assessment(0.31)), "opened", ALERTS))
    prompts = [
        example.prompt for topic in make_assessment(0.31).input.topics for example in topic.examples
    ]
    assert prompts
    assert all(f"> {prompt}" in text for prompt in prompts)


def test_details_show_the_mix_change_where_it_was_tested() -> None:
    tested = make_assessment(0.31, mix_p_value=0.0015, mix_moved_share=estimated(0.2))
    text = render_text(detail_blocks(summarize(tested), "opened", ALERTS))
    untested = render_text(detail_blocks(summarize(make_assessment(0.31)), "opened", ALERTS))
    (line,) = {*text.splitlines()} - {*untested.splitlines()}
    assert "20% (10% to 30%)" in line
    assert "p = 0.0015, level 0.05" in line


def test_next_steps_depend_on_what_alarms() -> None:
    output = make_family("output", verdict="drift", alarm=True, drifted_share=estimated(0.2))
    of_input = next_steps(make_assessment(0.31))
    of_output = next_steps(make_assessment(verdict="drift", alarm=True, output=output))
    of_metric = next_steps(make_assessment(alarm=True, numeric_columns=(make_numeric_column(),)))
    both = next_steps(make_assessment(0.31, output=output))
    assert len({*of_input, *of_output, *of_metric}) == 3
    assert both == [*of_input, *of_output]


def test_slow_drift_has_the_steps_of_sudden_drift() -> None:
    assert next_steps(slow_drift()) == next_steps(make_assessment(0.31))
    quiet = make_assessment(input=make_family(slow=make_slow(alarm=False)))
    assert next_steps(quiet) == []


@pytest.mark.parametrize("bound", [0.0, 0.004])
def test_recovery_names_no_onset_in_its_headline(bound: float) -> None:
    family = make_family(
        slow=make_slow(
            alarm=False, drifted_share=ShareEstimate(estimate=0.004, lower=bound, upper=0.01)
        )
    )
    recovered = with_findings(make_assessment(input=family))
    blocks = detail_blocks(summarize(recovered), "opened", ALERTS)
    dated = [line for line in render_text(blocks).split("\n") if "5 Oct" in line]
    # What still grows below the threshold is evidence, with its figures.
    assert len(dated) == (bound > 0.0)


def test_topic_has_its_date_of_origin() -> None:
    topic = make_topic(exists_since=datetime(2026, 10, 26, tzinfo=UTC))
    family = make_family(verdict="drift", alarm=True, topics=(topic,), slow=make_slow())
    summary = summarize(with_findings(make_assessment(0.3, input=family)))
    text = render_text(detail_blocks(summary, "opened", ALERTS))
    assert "since 26 Oct" in text
    assert "5 Oct" not in text


def test_missing_data_names_commands_to_check() -> None:
    command = "driftwarden baseline import"

    def steps(assessment: Assessment) -> str:
        return "\n".join(next_steps(assessment))

    assert "driftwarden check" in steps(not_enough_data())
    assert "driftwarden check" not in steps(make_assessment(verdict="not_enough_data"))
    assert command not in steps(not_enough_data())
    for shortage in ("no_baseline", "small_baseline"):
        assert command in steps(not_enough_data(shortages=(shortage,)))
    small = steps(not_enough_data(shortages=("small_window",)))
    assert "drift.min_samples" in small
    assert command not in small
    assert "driftwarden check" in steps(not_enough_data(shortages=("no_traffic",)))
    assert "'user'" in steps(not_enough_data(shortages=("few_end_users",)))


def test_escaping_leaves_one_line_without_code_spans() -> None:
    assert escape("a\n`b` <c> & d") == "a 'b' &lt;c&gt; &amp; d"
    assert escape("&" * 10, limit=4) == "&amp;&amp;&amp;…"


def test_lines_are_packed_into_few_sections() -> None:
    blocks = sections(["x" * 1400] * 5)
    assert [len(block["text"]["text"]) for block in blocks] == [2801, 2801, 1400]


def test_too_many_blocks_end_with_a_note() -> None:
    blocks = within_limits(sections(["x" * 3000] * 60))
    assert len(blocks) == MAX_BLOCKS
    assert blocks[-1]["type"] == "context"


def test_fingerprint_and_severity_of_sudden_drift() -> None:
    metric = make_numeric_column(relative_change=None)
    assessment = make_assessment(0.2, numeric_columns=(metric,))
    assert fingerprint_of(assessment) == {"input", "metric:resolved"}
    assert severity_of(assessment) == 1.0
    assert severity_of(make_assessment(0.2)) == 0.2
    assert severity_of(make_assessment()) == 0.0


def test_slow_drift_is_input_drift_with_its_own_severity() -> None:
    slow = make_assessment(alarm=True, input=make_family(slow=make_slow()))
    assert fingerprint_of(slow) == {"input"}
    assert severity_of(slow) == 0.021
    little = make_assessment(input=make_family(slow=make_slow(alarm=False)))
    assert fingerprint_of(little) == frozenset()
    assert severity_of(little) == 0.0


def test_message_repeats_no_sentence() -> None:
    for case in CASES.values():
        message = detail_blocks(summarize(with_findings(case())), "opened", ALERTS)
        lines = [line for block in render_text(message).split("\n\n") for line in block.split("\n")]
        sentences = [
            line.removeprefix("• ") for line in lines if line.endswith(".") and line[0] != ">"
        ]
        headline = next(line for line in sentences)
        assert not [line for line in sentences[1:] if line in headline]
        assert len(sentences) == len(set(sentences))
