"""Evaluations without texts of end users."""

from datetime import UTC, datetime

from monitor.store.windows.assessment import Explanation, ShareEstimate
from monitor.store.windows.drift_evaluations import DriftEvaluationRow
from monitor.web.withheld_texts import WITHHELD, withhold_texts
from tests.support.windows.assessments import make_assessment, make_family

AT = datetime(2026, 11, 9, tzinfo=UTC)
NONE = ShareEstimate(estimate=0.0, lower=0.0, upper=0.01)
ALL = ShareEstimate(estimate=1.0, lower=0.99, upper=1.0)


def test_withhold_texts_explanations_keep_language_and_figures() -> None:
    prefix = Explanation(
        kind="prefix", side="prompt", text="Dear Ann,", reference=NONE, current=ALL
    )
    spanish = Explanation(
        kind="language", side="prompt", text="Spanish", reference=NONE, current=ALL
    )
    row = DriftEvaluationRow(
        id=1, model="assistant", window_start=AT, window_end=AT, status="done", verdict="drift",
        seed=1, baseline_id=1, provenance={}, error=None, started_at=AT, finished_at=AT,
        followed_up_at=AT,
        assessment=make_assessment(
            findings=("All prompts begin with “Dear Ann,”.",),
            input=make_family(explanations=(prefix, spanish)),
        ),
    )  # fmt: skip

    assessment = withhold_texts(row).assessment

    assert assessment is not None
    assert "Ann" not in str(assessment)
    first, second = assessment.input.explanations
    assert (first.text, first.before, first.current) == (WITHHELD, "", ALL)
    assert second == spanish
