"""Groups that are read from the items of a benchmark."""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from retrain.data.benchmarks.groups import find_groups
from retrain.data.benchmarks.item import BenchmarkItem
from tests.support.encoders.word_encoder import WordEncoder

PROMPTS = (
    "Why does the printer on our floor stop after the first page?",
    "Warum druckt der Drucker in unserem Büro nur die erste Seite?",
    "Почему принтер на нашем этаже останавливается?",
    "Please explain this line:\nfor (x of list) { run(x); }",
    "The mail of 24 June has not come.",
)


def items(n_each: int, **fields: object) -> list[BenchmarkItem]:
    return [
        BenchmarkItem(
            id=f"{kind}-{number}",
            messages=({"role": "user", "content": prompt},),
            expected="a",
            **fields,  # type: ignore[arg-type]
        )
        for kind, prompt in enumerate(PROMPTS)
        for number in range(n_each)
    ]


def members(kinds: Sequence[int], n_each: int = 4) -> frozenset[str]:
    return frozenset(f"{kind}-{number}" for kind in kinds for number in range(n_each))


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("prompt's language=de", [1]),
        ("prompt's script=cyrillic", [2]),
        ("code in the prompt=yes", [3]),
        ("numbers in the prompt=yes", [4]),
        ("question in the prompt=no", [3, 4]),
    ],
)
def test_groups_are_read_from_prompts(name: str, kinds: Sequence[int]) -> None:
    groups = find_groups(items(4))
    assert members(kinds) in groups.values()
    # A set of items has one name: the script of the Russian prompts has their language's.
    assert groups.get(name, members(kinds)) == members(kinds)
    assert len(set(groups.values())) == len(groups)


def test_groups_are_neither_tiny_nor_everything() -> None:
    assert all(3 <= len(ids) < 20 for ids in find_groups(items(4)).values())
    assert members([1], 2) not in find_groups(items(2)).values()


def test_fields_and_reference_answers_are_groups() -> None:
    rows = items(4)
    rows[3:7] = [replace(row, difficulty="hard", strata={"region": "north"}) for row in rows[3:7]]
    rows[8:12] = [replace(row, expected="refund") for row in rows[8:12]]
    groups = find_groups(rows)
    assert groups["difficulty=hard"] == {row.id for row in rows[3:7]}
    assert members([2]) in groups.values()
    assert "region=north" not in groups


def test_shortest_and_longest_prompts_are_groups() -> None:
    rows = [
        BenchmarkItem(
            id=str(n), messages=({"role": "user", "content": "word " * (n + 1)},), expected="a"
        )
        for n in range(100)
    ]
    groups = find_groups(rows)
    assert groups["prompt's length=lowest 5%"] == {str(n) for n in range(5)}
    assert groups["prompt's length=highest 10%"] == {str(n) for n in range(90, 100)}


def test_topics_need_an_encoder() -> None:
    rows = items(12)
    topics = [name for name in find_groups(rows, WordEncoder()) if name.startswith("topic ")]
    assert topics
    assert not any(name.startswith("topic ") for name in find_groups(rows))
    assert find_groups(rows, WordEncoder()) == find_groups(rows, WordEncoder())
