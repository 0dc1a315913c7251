"""Pairs of responses to similar prompts: they show what changed, redacted, and nothing twice."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from monitor.drift import DriftResult
from monitor.drift.result import DescriptorChange
from monitor.store.windows.assessment import ResponsePair
from monitor.traffic.redaction import Redactor
from monitor.windows.comparison.numeric_comparison import NumericColumn
from monitor.windows.findings import response_pairs
from monitor.windows.findings.response_pairs import MAX_PAIRS, PAIRS_EACH, select_pairs
from monitor.windows.topics.examples import Quoter
from tests.unit.windows.test_response_descriptors import RESPONSE, window

N = 200
REFUSAL = "I'm sorry, but I can't help with that."
USUAL = [RESPONSE.format(row) for row in range(N)]
#: The last fifth of a window refuses.
REFUSING = [REFUSAL if row >= N - N // 5 else RESPONSE.format(row) for row in range(N)]


def change_of(name: str, size: float, **values: Any) -> DescriptorChange:
    defaults: dict[str, Any] = {
        "is_relative": False, "lower": size / 2, "upper": 2 * size, "p_value": 0.0001,
        "adjusted_p_value": 0.001,
    }  # fmt: skip
    return DescriptorChange(name=name, change=size, **(defaults | values))


def column_of(name: str, before: Sequence[str], now: Sequence[str], measure: Any) -> NumericColumn:
    sides = (np.array([float(measure(text)) for text in side]) for side in (before, now))
    return NumericColumn(name, "response", 0, *sides)


def refused(text: str) -> bool:
    return text.startswith(REFUSAL)


def pairs_of(
    before: Sequence[str] = USUAL,
    now: Sequence[str] = REFUSING,
    *,
    descriptors: Sequence[DescriptorChange] | None = None,
    novelty: Any = None,
    redactor: Redactor | None = None,
    current_vectors: Any = None,
) -> tuple[ResponsePair, ...]:
    """Select the pairs of two windows with the same prompts."""
    reference, current = window(before, 1), window(now, 1)
    if current_vectors is not None:
        current = replace(current, prompt_vectors=current_vectors)
    result = DriftResult(
        verdict="drift",
        p_value=0.0001,
        tests=(),
        drifted_share=0.2,
        drifted_share_interval=(0.1, 0.3),
        shift=0.5,
        descriptors=tuple([change_of("refusal", 0.2)] if descriptors is None else descriptors),
        novelty=np.zeros(len(now)) if novelty is None else novelty,
        clusters=(),
        n_reference=len(before),
        n_current=len(now),
        n_reference_groups=len(before),
        n_current_groups=len(now),
        n_permutations=100,
    )
    columns = (
        column_of("refusal", before, now, refused),
        column_of("length", before, now, lambda text: len(text.split())),
    )
    quoter = Quoter(reference, current, redactor or Redactor())
    return select_pairs(quoter, result, columns)


def test_a_refusal_is_beside_the_response_to_its_prompt() -> None:
    pairs = pairs_of()
    assert len(pairs) == PAIRS_EACH
    for pair in pairs:
        assert (
            pair.descriptor, pair.reference_value, pair.current_value,
        ) == ("refusal", 0.0, 1.0)  # fmt: skip
        assert pair.example.response == REFUSAL
        assert pair.example.baseline is not None
        assert pair.example.baseline.response in USUAL
        assert pair.example.baseline.prompt == pair.example.prompt
        assert pair.prompt_similarity == pytest.approx(1.0, abs=0.01)


def test_pairs_are_few_and_no_exchange_is_shown_twice() -> None:
    names = ["refusal", "length", "missing", "refusal"]
    changes = [change_of(name, 0.2 if name == "refusal" else -0.2) for name in names]
    pairs = pairs_of(descriptors=changes, novelty=np.linspace(0.0, 1.0, N))
    assert 4 <= len(pairs) <= MAX_PAIRS
    quoted = [(pair.example.prompt, pair.example.response) for pair in pairs]
    before = [pair.example.baseline for pair in pairs]
    assert len(set(quoted)) == len(quoted)
    assert len(set(before)) == len(before)


def test_without_a_descriptor_the_least_like_the_baseline_are_shown() -> None:
    novelty = np.zeros(N)
    novelty[[3, N - 1]] = 0.9  # the response of row 3 is that of the baseline
    (pair,) = pairs_of(descriptors=[], novelty=novelty)
    assert (pair.descriptor, pair.reference_value, pair.current_value) == ("", None, None)
    assert pair.example.response == REFUSAL


def test_a_change_that_is_not_significant_is_not_shown() -> None:
    assert pairs_of(descriptors=[change_of("refusal", 0.2, adjusted_p_value=0.06)]) == ()


def test_shorter_responses_are_beside_longer_ones() -> None:
    short = [text.split(",")[0] + "." for text in USUAL]
    pairs = pairs_of(now=short, descriptors=[change_of("length", -0.5, is_relative=True)])
    assert pairs
    for pair in pairs:
        assert pair.current_value is not None
        assert pair.reference_value is not None
        assert pair.current_value < pair.reference_value


def test_pairs_are_redacted_also_by_configured_patterns() -> None:
    leaking = [f"{text} Write to ann@example.org." for text in REFUSING]
    pairs = pairs_of(now=leaking, redactor=Redactor({"SORRY": "sorry"}))
    assert pairs
    for pair in pairs:
        assert "ann@" not in pair.example.response
        assert "[SORRY]" in pair.example.response


def test_dissimilar_prompts_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(response_pairs, "CANDIDATES", N)
    vectors = np.array(window(REFUSING, 1).prompt_vectors)
    vectors[N - 10 :] = -vectors[N - 10 :]  # ten refusals to prompts like none of the baseline
    pairs = pairs_of(current_vectors=vectors)
    far = {window(REFUSING, 1).prompts[row] for row in range(N - 10, N)}
    assert pairs
    assert not far & {pair.example.prompt for pair in pairs}


def test_a_change_beyond_the_quoted_beginning_is_no_pair() -> None:
    start = "The same long beginning of every response, in all windows. " * 12
    longer = [f"{start}{text}{' And more.' * 40}" for text in USUAL]
    usual = [f"{start}{text}" for text in USUAL]
    assert pairs_of(usual, longer, descriptors=[change_of("length", 0.5, is_relative=True)]) == ()


@pytest.mark.parametrize("before", [[""] * N, [" "] * N])
def test_a_baseline_without_responses_has_no_pairs(before: list[str]) -> None:
    assert pairs_of(before) == ()


def test_unknown_values_are_no_examples() -> None:
    """A large window has descriptors of a sample only; the rest is NaN."""
    reference, current = window(USUAL, 1), window(REFUSING, 1)
    unknown = NumericColumn("refusal", "response", 0, np.full(N, np.nan), np.full(N, np.nan))
    result = replace(
        DriftResult(
            verdict="drift", p_value=0.1, tests=(), drifted_share=0.0,
            drifted_share_interval=(0.0, 0.0), novelty=np.zeros(N), clusters=(), n_reference=N,
            n_current=N, n_reference_groups=N, n_current_groups=N, n_permutations=1,
        ),
        descriptors=(change_of("refusal", 0.2),),
    )  # fmt: skip
    assert select_pairs(Quoter(reference, current), result, (unknown,)) == ()
