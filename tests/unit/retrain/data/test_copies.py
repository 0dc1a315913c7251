"""Copies among the items of a benchmark."""

from retrain.data.benchmarks.copies import find_copies
from retrain.data.benchmarks.item import BenchmarkItem
from tests.support.encoders.word_encoder import WordEncoder

DOCUMENT = " ".join(f"clause{chr(97 + i % 26)}{chr(97 + i // 26)}" for i in range(40))


def item(text: str, expected: str | None = "a", **fields: object) -> BenchmarkItem:
    messages = ({"role": "user", "content": text},)
    return BenchmarkItem(id=text, messages=messages, expected=expected, **fields)  # type: ignore[arg-type]


def test_same_words_under_new_ids_are_copies() -> None:
    items = [item("Who are you?"), item("who  are you", "b"), item("my card"), item("MY CARD!")]
    assert find_copies(items) == {1: 0, 3: 2}


def test_disguises_are_copies_where_the_same_is_expected() -> None:
    items = [
        item("convert one euro to dollars", "1.10"),
        item("Hi, please convert one euro to dollars. Thanks", "1.10"),
        item("convert dollars to one euro", "0.90"),
        item("convert one eruo to dollars", "0.5"),
    ]
    assert find_copies(items) == {1: 0}


def test_other_contexts_and_system_messages_are_other_items() -> None:
    items = [item("What is the fee?", context=text) for text in ("2 euros", "no fee", "2 euros")]
    assert find_copies(items) == {2: 0}
    system = {"role": "system", "content": "Answer in French"}
    plain = item("What is the fee?")
    instructed = BenchmarkItem(id="instructed", messages=(system, *plain.messages), expected="b")
    assert find_copies([plain, instructed]) == {}


def test_long_items_are_copies_by_their_phrases() -> None:
    items = [item(f"{DOCUMENT} one two"), item(f"three {DOCUMENT} four"), item(DOCUMENT, "b")]
    assert find_copies(items) == {1: 0}


def test_a_template_of_all_items_makes_no_copies() -> None:
    template = "decide which of the queues of the desk should receive the following request of a"
    texts = [f"{template}: {word} please" for word in ("loan", "card", "fee")]
    items = [item(text, expected) for text, expected in zip(texts, "aab", strict=True)]
    assert find_copies(items, WordEncoder()) == {}


def test_near_embeddings_are_copies_of_an_item_that_counts() -> None:
    first = "one two three four five six seven eight nine ten gold iron"
    last = "eleven twelve north south east west left right over under tin zinc"
    items = [item(f"{first} {word} {last}") for word in ("red", "blue", "green")]
    items.append(item("who are you", "b"))
    assert find_copies(items) == {}
    assert find_copies(items, WordEncoder()) == {1: 0, 2: 0}
