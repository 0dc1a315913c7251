"""Names of topics: words that end users share, in any script, and nobody's own strings."""

from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.util import find_spec

import numpy as np
import pytest

from bench.services.requirement import missing
from monitor.drift.result import Cluster
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.windows.findings.remarks import remarks_on_topic_names
from monitor.windows.topics import segmenters
from monitor.windows.topics.builder import NO_COMMON_WORDS, build_topics
from monitor.windows.topics.examples import Quoter
from monitor.windows.topics.names import WordCounts, name_topic
from monitor.windows.topics.words import words_of
from tests.support.windows.assessments import make_examples, make_topic

NO_REFERENCE = WordCounts.of([], [])


def name(
    texts: Sequence[str], users: Sequence[str] | None = None, reference: Sequence[str] = ()
) -> list[str]:
    users = [""] * len(texts) if users is None else users
    before = WordCounts.of(reference, [""] * len(reference))
    return name_topic(texts, users, WordCounts.of(texts, users), before).split(", ")


@pytest.fixture
def no_segmenters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segmenters, "segmenter", lambda _: None)


def test_topic_is_named_by_its_distinctive_words() -> None:
    reference = ["what is the balance of my card", "transfer money to my account"] * 50
    texts = [
        "is my crypto wallet safe",
        "send money to a crypto wallet",
        "crypto wallets and my card",
        "which crypto can I buy",
    ]
    words = name(texts, reference=reference)
    assert words[:2] == ["crypto", "wallet"]
    assert "wallets" not in words
    assert "money" not in words[:2]


def test_topic_without_words_has_no_name() -> None:
    assert name(["?!", "12 34"]) == [""]


def test_topics_in_other_languages_have_names() -> None:
    texts = ["Überweisung gesperrt", "Überweisung fehlt"]
    assert name(texts, reference=["Wie ist mein Kontostand"] * 20)[0] == "überweisung"


def test_signature_of_one_end_user_names_no_topic() -> None:
    texts = ["refund please -- Wolfgang Amadeus ORD-x81b"] * 30 + ["where is my refund"] * 4
    users = ["u1"] * 30 + ["u2", "u3", "u4", "u5"]
    assert name(texts, users) == ["refund"]


def test_words_of_a_single_end_user_name_no_topic() -> None:
    assert name(["crypto wallet", "crypto"], ["u1", "u1"]) == [""]


def test_end_user_counts_once_in_the_reference() -> None:
    # One end user wrote "crypto" fifty times before: it still distinguishes the window.
    before = WordCounts.of(
        ["crypto"] * 50 + ["card"] * 50, ["u0"] * 50 + [f"v{n}" for n in range(50)]
    )
    assert (before.counts["crypto"], before.n_users) == (1, 51)


def test_counts_are_limited_to_a_vocabulary() -> None:
    counts = WordCounts.of(["crypto wallet", "crypto"], ["", ""], {"wallet"})
    assert dict(counts.counts) == {"wallet": 1}


@pytest.mark.parametrize(
    ("texts", "word"),
    [
        (["Wo ist meine Karte?", "Die Karte ist nicht da", "Ist das meine Karte"], "karte"),
        (["Où est ma carte ?", "Ma carte est dans le distributeur", "la carte"], "carte"),
        (["Mi tarjeta no está aquí", "¿Dónde está mi tarjeta?", "la tarjeta"], "tarjeta"),
        (["Где моя карта", "Моя карта не работает", "карта"], "карта"),
        (["आप मेरा कार्ड है", "मेरा कार्ड कहाँ है", "कार्ड"], "कार्ड"),
        (["أين هذه البطاقة", "هذه البطاقة", "البطاقة"], "البطاقة"),
        (["βρες την κάρτα μου", "η κάρτα μου", "κάρτα"], "κάρτα"),
    ],
    ids=["de", "fr", "es", "ru", "hi", "ar", "el"],
)
def test_stop_words_of_any_language_name_no_topic(texts: list[str], word: str) -> None:
    assert name(texts) == [word]


def test_stop_word_of_another_language_may_name_a_topic() -> None:
    # "van" is Dutch for "of", "die" a German article.
    texts = ["insure my van please", "is my van insured", "a new van policy", "most vans are old"]
    assert "van" in name(texts * 12)


def test_redacted_placeholders_name_no_topic() -> None:
    assert words_of("write to [EMAIL] or [API_KEY] today") == {"write", "today"}


def test_accents_and_vowel_signs_are_part_of_a_word() -> None:
    assert words_of("cafe\u0301") == {"café"}
    assert words_of("हिन्दी") == {"हिन्दी"}


def test_chinese_without_a_segmenter_is_named_by_sequences(no_segmenters: None) -> None:
    texts = ["我想买加密货币", "加密货币怎么卖", "请问加密货币的手续费", "我的加密货币丢了"]
    assert name(texts, reference=["我的银行卡丢了", "怎么转账"] * 20)[0] == "加密货币"


def test_sequence_is_not_extended_by_one_end_users_name(no_segmenters: None) -> None:
    texts = ["加密货币王小明"] * 20 + ["买加密货币", "加密货币卖"]
    words = name(texts, ["u1"] * 20 + ["u2", "u3"])
    assert words == ["加密货币"]


def test_sequence_is_not_extended_over_function_words(no_segmenters: None) -> None:
    texts = ["你们支持比特币钱包吗", "请问你们支持比特币钱包", "你们支持比特币钱包"]
    assert name(texts) == ["支持比特币钱包"]


def test_sequences_of_a_name_do_not_overlap(no_segmenters: None) -> None:
    texts = ["โอนบิตคอยน์ไปกระเป๋าเงินอื่น", "กระเป๋าเงินบิตคอยน์", "ขายบิตคอยน์"] * 2
    words = name(texts)
    assert "บิตคอยน์" in words
    assert not [
        (first, second)
        for first in words
        for second in words
        if first != second and segmenters.overlap(first, second)
    ]


def test_thai_without_a_segmenter_keeps_its_vowel_signs(no_segmenters: None) -> None:
    texts = ["บัตรเครดิตหาย", "ยกเลิกบัตรเครดิต", "สมัครบัตรเครดิต"]
    assert name(texts)[0] == "บัตรเครดิต"


def test_khmer_is_named_by_sequences() -> None:
    assert name(["កាតឥណទានបាត់", "បិទកាតឥណទាន", "សុំកាតឥណទាន"])[0] == "កាតឥណទាន"


@pytest.mark.slow
def test_japanese_is_named_by_its_nouns() -> None:
    texts = ["クレジットカードを紛失しました", "クレジットカードの再発行", "紛失したカード 再発行"]
    assert set(name(texts)) == {"クレジットカード", "再発行", "紛失"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("package", "texts", "word"),
    [
        ("jieba", ["我想买加密货币", "加密货币怎么卖", "我的货币"], "货币"),
        ("pythainlp", ["บัตรเครดิตหาย", "ยกเลิกบัตรเครดิต", "ธนาคาร"], "บัตรเครดิต"),
    ],
)
def test_segmenter_separates_words(package: str, texts: list[str], word: str) -> None:
    if find_spec(package) is None:
        missing(package, "`make setup`")
    assert word in name(texts)


def test_missing_segmenter_is_a_remark(no_segmenters: None) -> None:
    thai = make_topic(name="บัตรเครดิต", examples=make_examples("บัตรเครดิตหาย"))
    chinese = make_topic(name="货币", examples=make_examples("买货币"))
    japanese = make_topic(name="紛失", examples=make_examples("カードを紛失しました"))
    assert len(remarks_on_topic_names([thai, chinese, chinese])) == 2
    assert remarks_on_topic_names([japanese, make_topic()]) == ()


def topic_name(prompts: list[str], users: list[str]) -> str:
    n = len(prompts)
    window = Exchanges(
        prompts=prompts,
        responses=[""] * n,
        end_users=users,
        task_types=[""] * n,
        occurred_at=[datetime(2026, 11, 2, tzinfo=UTC)] * n,
        attributes=[{}] * n,
        prompt_vectors=np.ones((n, 1)),
        response_vectors=np.ones((n, 1)),
    )
    members = Cluster(
        members=np.arange(n),
        medoid=0,
        size=n,
        share_current=1.0,
        share_reference=0.0,
        enrichment=9.0,
        enrichment_lower=3.0,
        enrichment_upper=30.0,
        adjusted_p_value=0.01,
    )
    topics = build_topics(
        [members],
        "prompts",
        Quoter(window, window),
        None,
        np.random.default_rng(0),
        novelty=np.ones(n),
    )
    return topics[0][1].name


def test_email_of_two_end_users_names_no_topic() -> None:
    assert topic_name(["ann.miller@example.org 12"] * 4, ["u1", "u2", "u3", "u4"]) == "[EMAIL] 12"


def test_text_of_two_end_users_may_name_a_topic() -> None:
    assert topic_name(["12 34", "12 34", "77"], ["u1", "u2", "u2"]) == "12 34"
    assert topic_name(["12 34", "12 34", "77"], ["u1", "u1", "u2"]) == NO_COMMON_WORDS
