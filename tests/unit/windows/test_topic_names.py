"""Names of topics."""

from collections import Counter

from monitor.windows.topics.names import document_frequencies, name_topic


def test_topic_is_named_by_its_distinctive_words() -> None:
    reference = ["what is the balance of my card", "transfer money to my account"] * 50
    texts = [
        "is my crypto wallet safe",
        "send money to a crypto wallet",
        "crypto wallets and my card",
        "which crypto can I buy",
    ]
    name = name_topic(texts, document_frequencies(reference), len(reference))
    assert name.split(", ")[:2] == ["crypto", "wallet"]
    assert "wallets" not in name
    assert "money" not in name.split(", ")[:2]


def test_topic_without_words_has_no_name() -> None:
    assert name_topic(["?!", "12 34"], Counter(), 0) == ""


def test_topics_in_other_languages_have_names() -> None:
    reference = document_frequencies(["Wie ist mein Kontostand"] * 20)
    name = name_topic(["Überweisung gesperrt", "Überweisung fehlt"], reference, 20)
    assert name.split(", ")[0] == "überweisung"
