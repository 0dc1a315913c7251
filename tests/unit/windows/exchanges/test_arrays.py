"""Results of arrays as assessments: the report of exchanges."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from driftwarden import DriftResult, compare, compare_given, to_assessment


def points(n: int, *, new: int = 0) -> NDArray[np.float64]:
    """Draw vectors of a topic, the first ones of a new one."""
    rng = np.random.default_rng(n + new)
    drawn = rng.normal(size=(n, 8))
    drawn[:new] += 6.0
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


REFERENCE, CURRENT = points(300), points(301, new=80)


@pytest.fixture(scope="module")
def prompts() -> DriftResult:
    return compare(REFERENCE, CURRENT, n_permutations=199, alpha=0.05)


def test_prompts_become_the_input_family(prompts: DriftResult) -> None:
    assessment = to_assessment(prompts)
    family = assessment.input
    assert (assessment.verdict, assessment.alarm) == ("drift", True)
    assert (family.p_value, family.level) == (prompts.p_value, 0.05)
    assert family.drifted_share is not None
    assert family.drifted_share.estimate == prompts.drifted_share
    assert [topic.n_current for topic in family.topics] == sorted(
        (len(cluster.members) for cluster in prompts.clusters), reverse=True
    )
    assert assessment.output.untested_reason == "other_family"


def test_report_has_topics_and_tests_of_the_arrays(prompts: DriftResult, tmp_path: Path) -> None:
    assessment = to_assessment(prompts)
    page = assessment.report(tmp_path / "drift.html").read_text(encoding="utf-8")
    for text in (page, assessment._repr_html_()):
        assert "cluster 0" in text
        assert all(test.name in text for test in prompts.tests)
    assert "tests prompts only" in page


def test_responses_become_the_output_family() -> None:
    shifted = (points(300), -points(300, new=300))
    result = compare_given(REFERENCE, shifted[0], REFERENCE, shifted[1], n_permutations=1_999)
    assessment = to_assessment(result)
    assert (assessment.verdict, assessment.output.verdict) == ("drift", "drift")
    assert assessment.output.comparable_share == result.comparable_share
    assert assessment.input.untested_reason == "other_family"
    assert assessment.findings == (
        "The responses to comparable prompts changed a little as a whole.",
    )


@pytest.mark.parametrize("alpha", [0.05, 1e-9])
def test_clusters_are_topics_where_the_test_rejects(prompts: DriftResult, alpha: float) -> None:
    result = compare(REFERENCE, CURRENT, n_permutations=199, alpha=0.05, cluster_alpha=1.0)
    object.__setattr__(result, "alpha", alpha)
    assert len(to_assessment(result).input.topics) == len(prompts.clusters) * (alpha == 0.05)


def test_few_vectors_are_not_enough_data() -> None:
    assessment = to_assessment(compare(REFERENCE[:5], CURRENT[:1]))
    assert assessment.verdict == "not_enough_data"
    assert not assessment.is_compared
    assert "1 exchange of 1 end user compared with 5 of 5" in assessment.headline
    assert "nan" not in f"{assessment!r} {assessment._repr_html_()}".lower()
