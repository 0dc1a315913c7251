"""Near-duplicate prompts, by response and source."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.settings import TrainingData
from retrain.data import DataChecks, build_training_set, original_training_set
from retrain.data.duplicates.near import DIFFERS_FROM_GOLD, SAME, NearDuplicateFilter
from retrain.data.example import make_examples
from retrain.data.exclusions import Exclusions
from retrain.data.similarity import BLOCK, CachingEncoder, near_pairs, texts_agree
from tests.support.encoders.word_encoder import WordEncoder
from tests.support.retrain.training_rows import Row, both_sides, original, questions, row

RULES = TrainingData(
    min_gold=1, min_per_task_type=0, max_task_share=1, min_duplicate_similarity=0.9,
    validation_share=0,
)  # fmt: skip
CHECKS = DataChecks(rules=RULES, encoder=WordEncoder(), encoder_name="words")
LOST = "my card was lost on the train to work this morning please help"


def characters(number: int) -> str:
    """Return a distinct word per number, because digits count as numbers."""
    return "word" + str(number).translate(str.maketrans("0123456789", "qwertyuiop"))


def built(gold: list[Row], old: list[Row] | None = None, share: float = 0.0):
    return build_training_set(gold, old or [], replay_share=share, seed=1, checks=CHECKS)


def test_one_of_two_near_duplicates_is_kept() -> None:
    made = built([row(LOST, "queue: cards"), row(f"{LOST} now", "queue:  cards")])
    assert made.card.n_examples == 1
    assert made.card.dropped == {SAME.format("gold"): 1}
    assert "0.9 " in made.card.near_duplicates
    assert made.card.near_duplicates.endswith(" words")


def test_gold_that_differs_is_kept_and_reported() -> None:
    made = built([row(LOST, "queue: cards", item_id=7), row(f"{LOST} now", "queue: fraud", id="b")])
    assert made.card.n_examples == 2
    assert made.card.differing_gold == ("b and item 7",)
    assert "- b and item 7" in card_of(made)


def card_of(made) -> str:
    from retrain.data.data_card_page import data_card

    return data_card(made.card)


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        ("queue: cards", SAME.format("gold")),
        ("we do not know", DIFFERS_FROM_GOLD),
    ],
)
def test_gold_wins_over_an_original_that_is_nearly_the_same(response: str, reason: str) -> None:
    made = built([row(LOST, "queue: cards")], [row(f"{LOST} now", response), row("a", "b")], 0.5)
    assert sorted(questions(made.rows)) == ["a", LOST]
    assert made.card.dropped == {reason: 1}


def test_originals_that_differ_are_both_replayed() -> None:
    """No expert decided between them, and their prompts differ."""
    old = [row(LOST, "queue: cards"), row(f"{LOST} now", "queue: fraud")]
    made = built([row("one", "x"), row("two", "y")], old, 0.5)
    assert made.card.n_replay == 2


def test_replay_is_filled_from_the_pool() -> None:
    words = [characters(i) for i in range(30)]
    copies = [row(f"{LOST} {word}", "queue: cards", "cards") for word in words]
    remaining = [row(f"{word} " * 8, f"queue: {word}", "cards") for word in words]
    gold = [row(f"gold {characters(i)} " * 8, "queue: new", "new") for i in range(10)]
    made = built(gold, copies + remaining, 0.5)
    assert made.card.n_replay == 10
    assert sum(question.startswith(LOST) for question in questions(made.rows)) <= 1


def test_worded_responses_are_compared_by_their_embeddings() -> None:
    response = "you can block the card at once in the app under cards then lost or stolen"
    made = built([row(LOST, response), row(f"{LOST} now", f"{response} today")])
    assert made.card.n_examples == 1
    made = built(
        [row(LOST, f"{response} within 5 days"), row(f"{LOST} now", f"{response} within 9 days")]
    )
    assert made.card.n_examples == 2


def test_without_an_encoder_texts_alone_are_compared() -> None:
    rows = [row(LOST, "queue: cards"), row(f"{LOST} now", "queue: cards")]
    made = build_training_set(rows, [], replay_share=0, seed=1, checks=DataChecks(rules=RULES))
    assert (made.card.n_examples, made.card.near_duplicates) == (2, "")
    off = DataChecks(
        rules=RULES.model_copy(update={"min_duplicate_similarity": 1.0}), encoder=WordEncoder()
    )
    made = build_training_set(rows, [], replay_share=0, seed=1, checks=off)
    assert (made.card.n_examples, made.card.near_duplicates) == (2, "")


def test_a_first_set_is_sifted_too() -> None:
    rows = [row(LOST, "queue: cards"), row(f"{LOST} now", "queue: cards")]
    assert original_training_set(rows, seed=1, checks=CHECKS).card.dropped == {
        SAME.format("another original"): 1
    }


@pytest.mark.parametrize(
    ("entry", "other", "agree"),
    [
        ("pay 50 euros", "pay 50 euros now", True),
        ("pay 50 euros", "pay 500 euros", False),
        ("pay 1,50 euros", "pay 1.50 euros", False),
        ("template " * 200 + "first document", "template " * 200 + "first document", True),
        (
            " ".join(characters(i) for i in range(160)),
            " ".join(characters(i if i < 60 else i + 500) for i in range(160)),
            False,
        ),
    ],
)
def test_numbers_and_long_texts_are_compared_word_by_word(
    entry: str, other: str, agree: bool
) -> None:
    assert texts_agree(entry, other) is agree


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@given(st.integers(1, 40), st.integers(0, 40), st.integers(0, 2**32 - 1), st.floats(0.5, 0.99))
def test_pairs_are_those_of_the_whole_matrix(n: int, m: int, seed: int, threshold: float) -> None:
    rng = np.random.default_rng(seed)
    rows, remaining = (unit(rng.normal(size=(k, 3))) for k in (n, m))
    expected = [(int(i), int(j)) for i, j in np.argwhere(rows @ remaining.T >= threshold)]
    assert list(near_pairs(rows, remaining, threshold)) == expected


def test_pairs_are_found_across_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retrain.data.similarity.BLOCK", 4)
    monkeypatch.setattr("retrain.data.similarity.CHUNK", 3)
    same = np.eye(2, dtype=np.float32)[[0, 1] * 10]
    pairs = list(near_pairs(same, same, 0.99))
    assert pairs == [(i, j) for i in range(20) for j in range(20) if (i - j) % 2 == 0]


def test_nothing_is_encoded_twice() -> None:
    encoder = WordEncoder()
    remembering = CachingEncoder(encoder)
    remembering.encode(["a", "b", "a"])
    assert remembering.encode(["b", "c"]).shape == (2, 256)
    assert encoder.texts == ["a", "b", "c"]


WORDS = st.sampled_from(["card", "lost", "block", "app", "fee", "loan", "pin"])
ROWS = st.lists(
    st.builds(
        lambda words, response: row(" ".join(words), response),
        st.lists(WORDS, min_size=1, max_size=4),
        st.sampled_from(["x", "y"]),
    ),
    max_size=40,
)


@pytest.mark.slow
@given(ROWS)
def test_filtered_examples_differ_and_pass_the_filter_again(rows: list[Row]) -> None:
    examples = make_examples(rows, "replay", ())
    retained = NearDuplicateFilter(WordEncoder(), 0.95, Exclusions()).filter_examples(examples)
    for index, single in enumerate(retained):
        for other in retained[:index]:
            first, second = WordEncoder().encode([single.question, other.question])
            assert first @ second < 0.95 or single.response != other.response
    assert (
        NearDuplicateFilter(WordEncoder(), 0.95, Exclusions()).filter_examples(retained) == retained
    )


def test_later_blocks_are_compared_with_earlier_kept_examples() -> None:
    rows = [row(f"question {'x' * (i % 3)}", "same") for i in range(BLOCK + 10)]
    sieve = NearDuplicateFilter(WordEncoder(), 0.99, Exclusions())
    retained = sieve.filter_examples(make_examples(rows, "replay", ()))
    assert {entry.question for entry in retained} == {"question", "question x", "question xx"}


@pytest.mark.slow
@given(st.randoms(use_true_random=False), st.integers(0, 3))
def test_the_order_of_the_input_changes_nothing(random, seed: int) -> None:
    gold = [row(f"{LOST} {word}", "queue: cards", "cards") for word in ("a", "b", "c")]
    gold += [row(f"loan {i} for a house", f"rate {i}", "loans") for i in range(6)]
    old = original(cards=12, fees=9)
    made = build_training_set(gold, old, replay_share=0.5, seed=seed, checks=CHECKS)
    random.shuffle(gold)
    random.shuffle(old)
    again = build_training_set(gold, old, replay_share=0.5, seed=seed, checks=CHECKS)
    assert (made.card, both_sides(made)) == (again.card, both_sides(again))
