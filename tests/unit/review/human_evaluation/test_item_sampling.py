"""Item selection of a human evaluation, and the order of its responses."""

from collections import Counter
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from monitor.review.human_evaluation.blinding import blind_order, keyed_digest
from monitor.review.human_evaluation.opening import ComparableItem, draw

SECRET = bytes(32)


def answered(counts: dict[str, int]) -> list[ComparableItem]:
    return [
        ComparableItem("b", f"{name}-{at}", name, [], {"one": "x", "two": "y"})
        for name, n in counts.items()
        for at in range(n)
    ]


def types(items: list[ComparableItem]) -> Counter[str]:
    return Counter(item.task_type for item in items)


def test_task_types_are_drawn_in_proportion() -> None:
    items = answered({"cards": 600, "fees": 300, "crypto": 100})
    assert types(draw(items, 100, seed=1)) == {"cards": 60, "fees": 30, "crypto": 10}


def test_items_left_by_rounding_go_to_the_largest_remainders() -> None:
    items = answered({"cards": 66, "fees": 24, "crypto": 10})
    assert types(draw(items, 10, seed=1)) == {"cards": 7, "fees": 2, "crypto": 1}


@given(
    st.dictionaries(st.sampled_from("abcde"), st.integers(1, 40), min_size=1),
    st.integers(1, 250),
    st.integers(0, 9),
)
def test_sample_has_the_requested_size_or_all_items(
    counts: dict[str, int], size: int, seed: int
) -> None:
    items = answered(counts)
    drawn = draw(items, size, seed)
    assert len(drawn) == min(size, len(items))
    assert len({item.item_id for item in drawn}) == len(drawn)


def test_equal_seeds_draw_equal_items_in_any_order() -> None:
    items = answered({"cards": 60, "fees": 30})
    first = {item.item_id for item in draw(items, 20, seed=7)}
    assert first == {item.item_id for item in draw(items[::-1], 20, seed=7)}
    assert first != {item.item_id for item in draw(items, 20, seed=8)}


@dataclass(frozen=True)
class Text:
    id: int


def test_rater_sees_the_same_order_at_every_visit() -> None:
    texts = [Text(4), Text(5), Text(6)]
    for item in range(30):
        first = blind_order(texts, SECRET, item_id=item, reviewer_id=2)
        assert sorted(first, key=lambda value: value.id) == texts
        assert first == blind_order(texts[::-1], SECRET, item_id=item, reviewer_id=2)


@pytest.mark.parametrize("secret", [SECRET, bytes(range(32)), b"x" * 32])
def test_position_carries_no_information(secret: bytes) -> None:
    """Over many items and users, each response has each position equally often, in any order."""
    texts = [Text(1), Text(2), Text(3)]
    orders: Counter[tuple[int, ...]] = Counter()
    for item in range(1000):
        for user in range(6):
            seen = blind_order(texts, secret, item_id=item, reviewer_id=user)
            orders[tuple(entry.id for entry in seen)] += 1
    assert len(orders) == 6
    assert stats.chisquare(list(orders.values())).pvalue > 0.001


def test_orders_of_two_users_and_of_neighbouring_items_are_independent() -> None:
    texts = [Text(1), Text(2), Text(3)]

    def first(item: int, user: int) -> int:
        return blind_order(texts, SECRET, item_id=item, reviewer_id=user)[0].id

    for other_item, other_user in ((0, 1), (1, 0)):
        table = [[0] * 3 for _ in range(3)]
        for item in range(3000):
            table[first(item, 1) - 1][first(item + other_item, 1 + other_user) - 1] += 1
        assert stats.chi2_contingency(table).pvalue > 0.001


def test_digest_separates_its_parts() -> None:
    assert keyed_digest(SECRET, "seen", 1, 23) != keyed_digest(SECRET, "seen", 12, 3)
    assert keyed_digest(SECRET, "a1:b") != keyed_digest(SECRET, "a", "b")
