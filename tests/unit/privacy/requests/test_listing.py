"""Sentences in several places, as the page and the command list them."""

from monitor.privacy.requests.listing import ListedSentence
from monitor.privacy.requests.requests import Sentence
from monitor.store.privacy.requests import SentenceRow

WORDS = "Miller is ill."


def place(number: int, key: int, state: str = "open", words: str = WORDS) -> Sentence:
    decision = "" if state in {"open", "changed", "gone"} else state
    row = SentenceRow(
        id=key, request_id=1, number=number, table_name="reviews", column_name="comment",
        row_key=[key], digest="x", found_by="name", decision=decision, reason="",
        decided_at=None, decided_by="",
    )  # fmt: skip
    return Sentence(row, state, words)


def test_sentence_is_listed_once_with_all_its_places() -> None:
    decided, gone, waiting = place(1, 5, "keep"), place(1, 6, "gone", ""), place(1, 7)
    first, second = ListedSentence.from_places([decided, gone, waiting, waiting, place(2, 8)])

    assert (first.number, first.is_waiting, first.first) == (1, True, waiting)
    assert first.lines == [
        "reviews.comment 5: keep",
        "reviews.comment 6: gone",
        "reviews.comment 7",
    ]
    assert (second.number, second.lines) == (2, ["reviews.comment 8"])


def test_first_place_has_words_where_some_are_stored() -> None:
    gone, decided = place(1, 5, "gone", ""), place(1, 6, "keep")

    (listed,) = ListedSentence.from_places([gone, decided])
    (nowhere,) = ListedSentence.from_places([gone])

    assert (listed.first, listed.is_waiting) == (decided, False)
    assert nowhere.first == gone
