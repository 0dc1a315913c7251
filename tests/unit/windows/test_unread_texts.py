"""Shares of texts that the encoder doesn't tell from others."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from monitor.windows.comparison.unread_texts import measure_unread

Side = tuple[list[str], NDArray[np.float32]]


def side(texts: Sequence[str], *, alike: Sequence[bool] | None = None) -> Side:
    """Return texts with a vector of each distinct text, or one vector where they are alike."""
    rows = {text: row for row, text in enumerate(dict.fromkeys(texts))}
    vectors = np.random.default_rng(len(texts)).standard_normal((len(rows), 16))
    chosen = vectors[[rows[text] for text in texts]]
    if alike is not None:
        chosen[np.array(alike)] = np.ones(16)
    unit = chosen / np.linalg.norm(chosen, axis=1, keepdims=True)
    return list(texts), unit.astype(np.float32)


def numbered(n: int, word: str = "text") -> list[str]:
    return [f"{word} {row}" for row in range(n)]


READ = side(numbered(300))


def test_distinct_texts_of_one_vector_are_unread() -> None:
    shares = measure_unread(READ, side(numbered(200), alike=[True] * 200), None)
    assert shares is not None
    assert (shares.reference, shares.current) == (0.0, pytest.approx(199 / 200))
    assert not shares.is_vocabulary


def test_a_tenth_of_unread_texts_is_counted() -> None:
    alike = [row % 10 == 0 for row in range(1000)]
    shares = measure_unread(READ, side(numbered(1000), alike=alike), None)
    assert shares is not None
    assert shares.current == pytest.approx(0.1, abs=0.002)


def test_unread_texts_in_turn_with_others_are_counted() -> None:
    alike = [row % 10 == 1 for row in range(10_000)]
    shares = measure_unread(READ, side(numbered(10_000), alike=alike), None)
    assert shares is not None
    assert shares.current == pytest.approx(0.1, abs=0.03)


def test_popular_prompts_are_read() -> None:
    popular = [f"popular {row % 20}" if row % 5 < 2 else f"text {row}" for row in range(6000)]
    shares = measure_unread(side(popular), side(popular[::-1]), None)
    assert shares is not None
    assert (shares.reference, shares.current) == (0.0, 0.0)


def test_spellings_of_one_text_are_read() -> None:
    spellings = ["Hello", "hello", "HELLO ", "héllo", " hel\u200blo", "hello\n", "Héllo"] * 30
    shares = measure_unread(READ, side(spellings, alike=[True] * 210), None)
    assert shares is not None
    assert shares.current == 0.0


def test_pairs_of_one_vector_are_read() -> None:
    texts, vectors = READ
    pairs = ([*texts[::2], *(f"{text}!" for text in texts[::2])], np.repeat(vectors[::2], 2, 0))
    doubled = (pairs[0], np.concatenate([vectors[::2], vectors[::2]]))
    shares = measure_unread(READ, doubled, None)
    assert shares is not None
    assert shares.current == 0.0


def test_unknown_characters_make_a_text_unread() -> None:
    def unknown(texts: Sequence[str]) -> NDArray[np.float64]:
        return np.array([0.9 if text.startswith("foreign") else 0.4 for text in texts])

    mixed = [*numbered(150), *numbered(50, "foreign")]
    shares = measure_unread(side(mixed), READ, unknown)
    assert shares is not None
    assert (shares.reference, shares.current) == (0.25, 0.0)
    assert shares.is_vocabulary


def test_empty_responses_are_read() -> None:
    shares = measure_unread(side([""] * 150), side([""] * 120), None)
    assert shares is not None
    assert (shares.reference, shares.current) == (0.0, 0.0)
    assert measure_unread(side([]), READ, None) is None
