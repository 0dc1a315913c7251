"""Reasons of at least a sentence."""

import pytest

from retrain.registry.reasons import require_sentence
from tests.support.refusals import refusal


@pytest.mark.parametrize(
    "reason",
    [
        "", ".", "ok", "fine by me", "ok ok ok ok ok ok ok ok ok ok",
        "1 2 3 4 5 6 7 8 9 10 11 12 13", "a b c d e f", "Approved approved APPROVED approved!",
        "... --- ... --- ... ---",
        "approvedbecauseitlooksgoodtome", "好好好好好好好好好好",
    ],
)  # fmt: skip
def test_less_than_a_sentence_is_no_reason(reason: str) -> None:
    with refusal("no_sentence", match="needs at least a sentence"):
        require_sentence(reason, "an approval")


@pytest.mark.parametrize(
    "reason",
    [
        "The two lost items have wrong reference answers.",
        "reverted at 25%: more errors in refunds",
        "Beide verlorenen Beispiele haben falsche Referenzen",
        "两个丢失的样本参考答案有误",
        "ตัวอย่างสองรายการมีคำตอบอ้างอิงผิด",
    ],
)
def test_a_short_sentence_of_any_script_is_a_reason(reason: str) -> None:
    assert require_sentence(f"  {reason}\n", "an approval") == reason
