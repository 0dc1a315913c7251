"""Vocabulary check: refused names and docstrings, and their replacements."""

import re
from pathlib import Path

import pytest

from scripts.check_vocabulary import check_source, read_glossary

GLOSSARY = """
## Terms

### Traffic

| term | means | instead of |
| --- | --- | --- |
| response | what the model returned | `answer` |

## Names

| name | write |
| --- | --- |
| `one`, `what` | the noun |

## Allowed phrases

| phrase | because |
| --- | --- |
| `reference answer` | a part of a benchmark item |
"""
VOCABULARY = read_glossary(GLOSSARY)


@pytest.mark.parametrize(
    "source",
    [
        "answers = 1",
        "class LateAnswer: ...",
        "def load(answer_id): ...",
        "def load(*, answer): ...",
        "self.answer = 1",
        "for row, answer in rows: ...",
        '"""Answers of a model."""',
        'def load():\n    """Load the answer."""',
    ],
)
def test_replaced_word_is_refused(source: str) -> None:
    [(_, problem)] = check_source(source, VOCABULARY)
    assert problem.endswith("write response")


@pytest.mark.parametrize("source", ["for one in rows: ...", "what = 1", "lambda one: 1"])
def test_empty_name_is_refused(source: str) -> None:
    [(_, problem)] = check_source(source, VOCABULARY)
    assert problem.endswith("write the noun")


@pytest.mark.parametrize(
    "source",
    [
        "response = answered",
        "reference_answer = 1",
        '"""The reference answer of an item."""',
        "# an answer in a comment",
        'message = "no answer"',
        "oneself = somewhat = 1",
    ],
)
def test_other_text_passes(source: str) -> None:
    assert not list(check_source(source, VOCABULARY))


@pytest.mark.parametrize("word", ["What", "Which", "Where", "Who", "Whose", "Whatever"])
def test_docstring_that_opens_with_a_clause_is_refused(word: str) -> None:
    [(line, _)] = check_source(f'"""{word} follows from a window."""', VOCABULARY)
    assert line == 1
    [(line, _)] = check_source(f'\ndef load():\n    """{word} follows."""', VOCABULARY)
    assert line == 2


@pytest.mark.parametrize("source", ['"""Load what follows."""', '"""Whatsoever."""'])
def test_docstring_that_opens_without_a_clause_passes(source: str) -> None:
    assert not list(check_source(source, VOCABULARY))


@pytest.mark.parametrize(
    ("name", "is_refused"),
    [
        ("test_what_was_not_tested_has_no_figure", True),
        ("test_whatever_users_do_the_rules_hold", True),
        ("test_of_two_that_say_the_same_one_is_kept", True),
        ("test_one_who_left_is_no_drift", True),
        ("test_a_run_whose_loss_is_undefined_fails", True),
        ("test_a_missing_model_is_told", True),
        ("test_an_idle_arm_holds_and_says_so", True),
        ("test_one_of_two_near_duplicates_is_kept", False),
        ("test_whole_file_is_evaluated", False),
        ("test_reports_tell_windows_apart", False),
        ("what_follows", False),
    ],
)
def test_name_of_a_test_is_no_riddle(name: str, is_refused: bool) -> None:
    problems = list(check_source(f"def {name}(): pass", VOCABULARY))
    assert [line for line, _ in problems] == [1] * is_refused


def test_line_of_a_problem_is_named() -> None:
    [(line, _)] = check_source("a = 1\nanswer = 2", VOCABULARY)
    assert line == 2


def terms(text: str) -> list[str]:
    """Return the terms of a glossary; several in a cell are separated by semicolons or commas."""
    tables = text.split("## Terms")[1].split("## Names", maxsplit=1)[0]
    cells = re.findall(r"^\| ([^|]+) \|", tables, re.MULTILINE)
    rows = [cell.partition(":")[0] for cell in cells if cell != "term" and "---" not in cell]
    return [term.strip() for row in rows for term in re.split("[;,]", row)]


def test_term_has_one_meaning_or_names_its_subject() -> None:
    listed = terms(Path("docs/glossary.md").read_text(encoding="utf-8"))
    assert sorted(listed) == sorted(set(listed))
    qualified = {term.partition(" (")[0] for term in listed if "(" in term}
    assert [term for term in listed if term in qualified] == []


def test_real_glossary_is_read() -> None:
    text = Path("docs/glossary.md").read_text(encoding="utf-8")
    vocabulary = read_glossary(text)
    assert vocabulary.words["answer"] == "response"
    assert vocabulary.words["mass"] == "drifted share"
    assert vocabulary.names["one"]
    assert "reference answer" in vocabulary.allowed
