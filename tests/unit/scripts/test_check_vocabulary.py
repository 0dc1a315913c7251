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


@pytest.mark.parametrize("word", ["What", "Which", "Where", "Who", "Whose"])
def test_module_docstring_that_opens_with_a_clause_is_refused(word: str) -> None:
    [(line, _)] = check_source(f'"""{word} follows from a window."""', VOCABULARY)
    assert line == 1


@pytest.mark.parametrize(
    "source",
    ['"""Whatever follows."""', 'def load():\n    """What follows."""', '"""Load what follows."""'],
)
def test_other_docstring_with_a_clause_passes(source: str) -> None:
    assert not list(check_source(source, VOCABULARY))


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
