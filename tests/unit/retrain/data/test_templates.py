"""Items of one template, which differ in numbers or names only."""

import random

import pytest

from retrain.data.benchmarks.copies import find_copies
from retrain.data.benchmarks.item import BenchmarkItem

NAMES = [
    *("Anna", "Ben", "Carla", "David", "Eva", "Frank", "Gina", "Hans", "Ines", "Joel", "Karin"),
    *("Leo", "Mia", "Noah", "Olga", "Paul", "Rosa", "Sam", "Tina", "Udo", "Vera", "Wanda"),
    *("Xenia", "Yuri", "Zoe", "Abel", "Bea", "Cem", "Dora", "Emil", "Fay", "Gus", "Hal", "Ida"),
]
MONTHS = ("March", "April", "May")
PARCEL = ["can", "you", "find", "out", "where", "the", "parcel", "is"]
PAIRS = [(first, second) for first in range(7, 17) for second in range(40, 50)]


def noise(seed: int, n: int) -> str:
    """Return random words."""
    rng = random.Random(seed)
    return " ".join("".join(rng.choices("abdefgiklmnoprstu", k=7)) for _ in range(n))


def items(*pairs: tuple[str, str | None], **fields: object) -> list[BenchmarkItem]:
    """Return items of prompts and reference answers."""
    return [
        BenchmarkItem(
            id=str(i), messages=({"role": "user", "content": text},), expected=expected, **fields
        )  # type: ignore[arg-type]
        for i, (text, expected) in enumerate(pairs)
    ]


def n_counted(made: list[BenchmarkItem]) -> int:
    copies = find_copies(made)
    assert not copies.keys() & set(copies.values())
    return len(made) - len(copies)


ONE_TEMPLATE = {
    "numbers": [(f"please block card {37 * i + 11} now", "block") for i in range(40)],
    "one word": [(f"invoice {37 * i + 11}", "due") for i in range(40)],
    "dates": [(f"show transfers of {1 + i % 28} {MONTHS[i % 3]} 2024", "x") for i in range(60)],
    "amounts": [(f"send 1,{i:03}.50 euros to my mother", "send") for i in range(40)],
    "names": [(f"my friend {name} lost her card abroad", "lost") for name in NAMES],
    "full names": [(f"does {n} {n[::-1]}son owe us money today", "debt") for n in NAMES],
    "two names": [
        (f"can {name} send money to {other} this week", "send")
        for name, other in zip(NAMES, NAMES[::-1], strict=True)
    ],
    "name and date": [(f"did {n} call us on {i + 1} May", "call") for i, n in enumerate(NAMES)],
    "random words at the end": [
        (f"please tell me when my parcel will come {noise(i, 12)}", "parcel") for i in range(30)
    ],
    "random words between": [
        (" ".join(f"{word} {noise(10 * i + k, 2)}" for k, word in enumerate(PARCEL)), "parcel")
        for i in range(30)
    ],
    "random numbers and words": [
        (f"ref {i * 37}: who forged this {noise(i, 4)} passport for you {noise(i, 9)}", None)
        for i in range(30)
    ],
    "answer follows number": [(f"block card {91 * i} now", f"Card {91 * i}.") for i in range(40)],
    "answer follows name": [(f"please greet {n} from all of us", f"Hello, {n}!") for n in NAMES],
    "no reference answer": [(f"how can I poison {n} without a trace", None) for n in NAMES],
}  # fmt: skip
MANY_TEMPLATES = {
    "sums": [(f"what is {a} plus {b}", str(a + b)) for a, b in PAIRS],
    "larger of two": [
        (f"which is larger, {a} or {b}", str(max(a, b)))
        for pair in PAIRS
        for a, b in (pair[:: (1, -1)[sum(pair) % 2]],)
    ],
    "prices": [(f"what does article {a}{b} cost", f"{a * b} euros") for a, b in PAIRS],
    "capitals": [(f"what is the capital of {name}", name[::-1]) for name in NAMES],
    "parity": [(f"is the number {3 * i} even", ("yes", "no")[i % 2]) for i in range(40)],
}


@pytest.mark.parametrize("name", ONE_TEMPLATE)
def test_fillings_of_a_template_count_once(name: str) -> None:
    assert n_counted(items(*ONE_TEMPLATE[name], harmful=True)) == 1


@pytest.mark.parametrize("name", MANY_TEMPLATES)
def test_fillings_that_decide_the_reference_answer_all_count(name: str) -> None:
    assert n_counted(items(*MANY_TEMPLATES[name])) == len(MANY_TEMPLATES[name])


def test_prevailing_reference_answer_counts_once_more_than_the_others() -> None:
    pairs = [(f"is the number {i} prime", "yes" if i % 10 == 7 else "no") for i in range(100)]
    assert n_counted(items(*pairs)) == 10 + 11


def test_three_fillings_are_no_template() -> None:
    pairs = [(f"my friend {name} lost her card abroad", "lost") for name in NAMES]
    assert (n_counted(items(*pairs[:3])), n_counted(items(*pairs[:4]))) == (3, 1)


def test_a_passage_is_no_template_of_its_questions() -> None:
    passage = "The desk opens at nine, and a lost card is replaced within three working days."
    pairs = [(f"who {word}", None) for word in ("pays", "calls", "opens", "waits", "signs")]
    assert n_counted(items(*pairs, context=passage)) == 5


def test_the_prompt_of_a_task_is_no_template() -> None:
    rng = random.Random(1)
    pairs = [
        (f"Classify this request of a customer of the bank: {name} {rng.choice(NAMES)}", f"{i % 6}")
        for i, name in enumerate(NAMES)
    ]
    assert n_counted(items(*pairs)) == len(pairs)


def test_names_in_context_and_prompt_make_a_template() -> None:
    made = [
        BenchmarkItem(
            id=name, context=f"The account of {name} has {i} euros.", expected=str(i),
            messages=({"role": "user", "content": f"How much money does {name} have"},),
        )
        for i, name in enumerate(NAMES)
    ]  # fmt: skip
    assert n_counted(made) == 1
