"""Overlap metrics in every script: 1 for equal texts, 0 for disjoint texts."""

# ruff: noqa: RUF001 - letters of other scripts look like Latin ones

import pytest

from retrain.data.benchmarks.item import BenchmarkItem
from retrain.evaluation.metrics.catalogue import load_metrics
from retrain.evaluation.metrics.metric import apply_metric
from retrain.evaluation.metrics.tokens import tokens

#: A sentence, the same one in another spelling, one that shares some words, and how many words.
SENTENCES = {
    "Japanese": ("カードを止めてください", "カードを止めてください。", "カードをください", 11),
    "Chinese": ("请冻结我的卡", "请冻结我的卡!", "请冻结账户", 6),
    "Thai": ("ระงับบัตร", "ระงับบัตร", "ระงับบัญชี", 9),
    "Arabic": ("أوقف البطاقة من فضلك", "أَوقِفْ البطاقـة، من فضلك", "أوقف الحساب من فضلك", 4),
    "Hebrew": ("חסום את הכרטיס שלי", "חסום את הכרטיס שלי!", "חסום את החשבון", 4),
    "Persian": ("کارت را می\u200cبندم", "کارت را میبندم", "کارت را باز کن", 3),
    "German": ("Straße und Größe prüfen", "STRASSE und GRÖSSE prüfen", "Straße und Maß", 4),
    "Russian": ("Заблокируйте мою карту", "заблокируйте мою карту.", "Мою карту вернули", 3),
    "Greek": ("Κλείδωσε την κάρτα", "ΚΛΕΊΔΩΣΕ την κάρτα", "Πού είναι η κάρτα", 3),
    "Hindi": ("मेरा कार्ड बंद करें", "मेरा कार्ड बंद करें।", "मेरा खाता बंद", 4),
    "Korean": ("카드를 정지해 주세요", "카드를 정지해 주세요.", "카드를 찾아 주세요", 3),
    "English": ("Block my card", "block my card!", "Block the account", 3),
}
METRICS = load_metrics(["f1", "rouge"])
OTHER_SCRIPT = {"English": "卡"}


def item(expected: str) -> BenchmarkItem:
    return BenchmarkItem(id="1", messages=({"role": "user", "content": "q"},), expected=expected)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
@pytest.mark.parametrize("script", SENTENCES)
def test_overlap(script: str, metric) -> None:
    sentence, respelled, partly, _ = SENTENCES[script]
    other = OTHER_SCRIPT.get(script, "unrelated")
    responses = [sentence, respelled, partly, other, ""]
    values = apply_metric(metric, [item(sentence)] * len(responses), responses).tolist()
    assert values[:2] == [1.0, 1.0]
    assert values[3:] == [0.0, 0.0]
    assert values[2] < 1.0
    if metric.name != "rouge2":
        assert values[2] > 0.0


@pytest.mark.parametrize("script", SENTENCES)
def test_tokens(script: str) -> None:
    assert len(tokens(SENTENCES[script][0])) == SENTENCES[script][3]


def test_digits_of_every_script_are_the_same() -> None:
    assert tokens("٣٫٥ ريال") == ["3٫5", "ريال"]
    assert tokens("१२ दिन") == ["12", "दिन"]


def test_texts_without_an_n_gram() -> None:
    matches = {
        metric.name: apply_metric(
            metric, [item("yes"), item("yes"), item("?!")], ["Yes.", "no", "?!"]
        )
        for metric in METRICS
    }
    for scores in matches.values():
        assert scores.tolist() == [1.0, 0.0, 1.0]


def test_items_without_an_expected_response_have_no_score() -> None:
    harmful = BenchmarkItem(id="1", messages=({"role": "user", "content": "q"},), harmful=True)
    for metric in METRICS:
        assert str(apply_metric(metric, [harmful], ["text"])[0]) == "nan"


def test_rouge_is_rouge_scores_own_on_english() -> None:
    """Compare with the package's own tokenizer, which is correct for plain English."""
    from rouge_score.rouge_scorer import RougeScorer

    expected, response = "the cat sat on the mat", "the cat lay on a mat"
    reference = RougeScorer(["rouge1", "rouge2", "rougeL"]).score(expected, response)
    for metric in load_metrics(["rouge"]):
        ours = apply_metric(metric, [item(expected)], [response])[0]
        assert ours == pytest.approx(reference[metric.name].fmeasure)
        assert 0 < ours < 1
