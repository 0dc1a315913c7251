"""Output formats, learned from responses and checked on other responses."""

import msgspec
import pytest

from monitor.descriptors.output_format import (
    FencedCode,
    Json,
    Label,
    learn_format,
    parse_json,
)


def test_json_objects_have_the_keys_that_nearly_all_had() -> None:
    responses = [f'{{"queue": "cards", "urgent": true, "n": {n}}}' for n in range(99)]
    form = learn_format([*responses, '{"queue": "cards", "urgent": false}'])
    assert form == Json(keys=frozenset({"queue", "urgent", "n"}))
    assert form.admits('```json\n{"queue": "x", "urgent": 1, "n": 2, "more": []}\n```')
    for broken in ('{"queue": "x", "urgent": 1}', '{"queue": "x"', "Sure: {}", "[]", "null", ""):
        assert not form.admits(broken)


def test_a_key_that_some_objects_have_is_not_expected() -> None:
    form = learn_format(['{"a": 1, "b": 2}'] * 70 + ['{"a": 1}'] * 30)
    assert form == Json(keys=frozenset({"a"}))


def test_arrays_are_json_without_keys() -> None:
    form = learn_format(["[1, 2]", "[]"] * 50)
    assert form == Json(keys=None)
    assert form.admits("[3]")
    assert not form.admits("[3")


def test_json_that_is_mostly_broken_is_no_form() -> None:
    assert learn_format(['{"a": 1}'] * 60 + ['{"a": 1'] * 40) is None


def test_labels_are_a_closed_set() -> None:
    form = learn_format(["cards: block card", "Cards: order card", "accounts: balance\n"] * 40)
    assert form == Label(frozenset({"cards: block card", "cards: order card", "accounts: balance"}))
    assert form.admits("Accounts:  Balance")
    assert not form.admits("cards: unblock card")
    assert not form.admits("cards: block card. Can I do anything else?")


def test_open_set_of_labels_has_no_format() -> None:
    """Every twentieth response is new."""
    assert learn_format([f"order {n}" if n % 20 == 0 else "yes" for n in range(400)]) is None


def test_code_format_needs_closed_fences() -> None:
    form = learn_format([f"Here it is:\n```python\nx = {n}\n```\nDone." for n in range(60)])
    assert form == FencedCode()
    assert form.admits("```\ny\n```")
    assert not form.admits("Here it is:\n```python\nx = 1")
    assert not form.admits("x = 1")


@pytest.mark.parametrize(
    "responses",
    [
        [],
        ["yes"] * 49,
        [""] * 200,
        [f"I would say that it depends on number {n}." for n in range(100)],
        ['{"a": 1}', "It depends, as so much does, on what you would like: " + "a word " * 6] * 50,
    ],
)
def test_few_responses_and_free_text_have_no_format(responses: list[str]) -> None:
    assert learn_format(responses) is None


@pytest.mark.parametrize("hostile", ["[" * 100_000, '{"a":' * 50_000, "```" * 50_000, "9" * 10_000])
def test_hostile_responses_are_checked(hostile: str) -> None:
    form = learn_format(['{"a": 1}'] * 100)
    assert form is not None
    assert not form.admits(hostile)


@pytest.mark.parametrize(
    ("response", "is_json"),
    [
        ('{"a": 1, "b": 1}', True),
        ('[{"a": 1}, {"a": 2}]', True),
        ('{"a": 1, "a": 1}', False),
        ('{"b": {"a": 1, "\\u0061": 2}}', False),
    ],
)
def test_an_object_with_a_repeated_key_is_no_json(response: str, is_json: bool) -> None:
    assert (parse_json(response) is not msgspec.UNSET) == is_json
