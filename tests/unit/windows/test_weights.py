"""Windows with different sampling rates: weights in counts, shares and reports."""

from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO

import numpy as np
import pytest
from rich.console import Console

from monitor.alerts.messages.incident import EvaluationSummary, detail_blocks
from monitor.drift.result import Cluster
from monitor.settings import Alerts
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.windows.assessment import Assessment
from monitor.windows.comparison.large_users import large_user_shares
from monitor.windows.comparison.task_mix import MAX_TASK_TYPES, mix_of
from monitor.windows.report.evidently import _frame
from monitor.windows.report.page import render_page
from monitor.windows.report.terminal import print_assessment
from monitor.windows.topics.merging import merge_same_topics
from tests.support.windows.assessments import make_assessment


def window(
    users: list[str], probability: list[float] | None, task_types: list[str] | None = None
) -> Exchanges:
    n = len(users)
    return Exchanges(
        prompts=["hello"] * n,
        responses=["hi"] * n,
        end_users=users,
        task_types=task_types or [""] * n,
        occurred_at=[datetime(2026, 11, 2, tzinfo=UTC)] * n,
        attributes=[{}] * n,
        prompt_vectors=np.zeros((n, 2)),
        response_vectors=np.zeros((n, 2)),
        inclusion_probability=np.array([] if probability is None else probability),
    )


@pytest.mark.parametrize(
    ("estimated", "message"),
    [
        (None, "500"),
        (500.0, "500"),
        (500.2, "500"),
        (9_996.0, "500 sampled of about 10,000"),
        (123_456.0, "500 sampled of about 123,000"),
    ],
)
def test_sampled_count_names_the_estimated_total(estimated: float | None, message: str) -> None:
    assert message == make_assessment(estimated_current=estimated).current_count


def everywhere(assessment: Assessment) -> list[str]:
    """Return the assessment in the terminal, on the page and in Slack."""
    written = StringIO()
    print_assessment(assessment, Console(file=written, width=160))
    subject = EvaluationSummary(
        evaluation_id=1,
        window_start=datetime(2026, 11, 2, tzinfo=UTC),
        window_end=datetime(2026, 11, 9, tzinfo=UTC),
        assessment=assessment,
        baseline="b",
    )
    blocks = str(detail_blocks(subject, "opened", Alerts()))
    return [written.getvalue(), render_page(assessment), blocks]


def test_the_terminal_the_page_and_slack_tell_both_numbers() -> None:
    for page in everywhere(make_assessment(0.3, estimated_current=10_000.0)):
        assert "500 sampled of about 10,000" in page
    for page in everywhere(make_assessment(0.3)):
        assert "sampled of" not in page


def test_weights_follow_hajek_and_equal_rates_have_none() -> None:
    unequal = window(["a", "b", "c", "d"], [0.05, 0.05, 0.5, 0.5])

    assert unequal.weights is not None
    assert pytest.approx(unequal.weights.tolist()) == [20 / 11, 20 / 11, 2 / 11, 2 / 11]
    assert unequal.estimated_total == 44
    assert pytest.approx(unequal.share([0])) == 20 / 44
    assert window(["a", "b"], [0.05, 0.05]).weights is None
    assert window(["a", "b"], [0.05, 0.05]).estimated_total == 40
    assert window(["a"], None).weights is None
    assert window(["a"], None).estimated_total is None


def test_large_users_are_large_in_traffic_not_in_the_sample() -> None:
    users = ["often sampled"] * 4 + ["rarely sampled"] + [f"u{n}" for n in range(5)]
    probability = [0.5] * 4 + [0.01] + [0.05] * 5

    by_traffic = large_user_shares(window(users, probability))
    by_sample = large_user_shares(window(users, None))

    assert {"rarely sampled": pytest.approx(100 / 208)} == by_traffic
    assert by_sample == {"often sampled": 0.4}


def test_the_mix_is_weighted_and_rare_tasks_are_counted_together() -> None:
    mix = mix_of(None, window([""] * 3, [0.05, 0.5, 0.5], ["chat", "rare", "rare"])).current
    many = [f"t{n}" for n in range(MAX_TASK_TYPES + 2)]
    listed = mix_of(None, window([""] * len(many), [0.5] + [0.05] * (len(many) - 1), many))

    assert pytest.approx(mix) == {"chat": 20 / 24, "rare": 4 / 24}
    assert len(listed.current) == MAX_TASK_TYPES
    assert listed.other is not None
    assert listed.other.n_task_types == 2  # the first, and a last
    assert 22 / (2 + 20 * (len(many) - 1)) == pytest.approx(listed.other.current)
    assert pytest.approx(sum(listed.current.values()) + listed.other.current) == 1.0


def cluster(members: list[int], share: float) -> Cluster:
    return Cluster(
        members=np.array(members),
        medoid=members[0],
        size=len(members),
        share_current=share,
        share_reference=0.01,
        enrichment=1.0,
        enrichment_lower=1.0,
        enrichment_upper=1.0,
        adjusted_p_value=0.01,
    )


def test_joined_topics_have_a_weighted_share_and_interval() -> None:
    """Ten members represent a tenth of the window: with equal weights, then one with nearly all."""
    users = [f"u{n}" for n in range(100)]
    reference = window([f"r{n}" for n in range(100)], None)
    parts = [cluster([0, 1, 2, 3, 4], 0.05), cluster([5, 6, 7, 8, 9], 0.05)]

    def joined(probability: list[float] | None) -> Cluster:
        current = window(users, probability)
        return merge_same_topics(parts, ["card, lost", "card, lost"], reference, current)[0][0]

    plain = joined(None)
    uneven = joined([0.01] + [0.2] * 9 + [0.0655] * 90)

    assert plain.share_current == 0.1
    assert pytest.approx(uneven.share_current, abs=0.001) == 0.0953
    assert repr(plain) == repr(joined([0.05] * 100))
    width = [entry.enrichment_upper / entry.enrichment_lower for entry in (plain, uneven)]
    assert width[1] > 2 * width[0]


def test_joined_topics_of_responses_stay_compared_among_like_prompts() -> None:
    """The shares rose tenfold, but so did the prompts."""
    parts = [
        replace(
            cluster(members, 0.05), enrichment=times, enrichment_lower=low, enrichment_upper=high
        )
        for members, times, low, high in (([0, 1, 2], 2.0, 1.2, 5.0), ([3, 4, 5], 4.0, 1.5, 9.0))
    ]
    sides = window([f"r{n}" for n in range(100)], None), window([f"u{n}" for n in range(60)], None)
    names = ["card, lost", "card, lost"]
    ((joined, _),) = merge_same_topics(parts, names, *sides, given_prompts=True)
    assert joined.enrichment == pytest.approx(0.1 / (0.05 / 2 + 0.05 / 4))
    assert (joined.enrichment_lower, joined.enrichment_upper) == (1.2, 9.0)
    ((single, _),) = merge_same_topics(parts[:1], names[:1], *sides, given_prompts=True)
    assert single == parts[0]


def test_rows_for_evidently_are_drawn_in_proportion_to_weights() -> None:
    values = np.repeat([0.0, 1.0], [1000, 1000])
    weights = np.repeat([1.9, 0.1], [1000, 1000])
    frame = _frame({"x": values}, None, set(), np.random.default_rng(0), weights)

    assert len(frame) == 2000
    assert abs(frame["x"].mean() - 0.05) < 0.02
