"""Columns in which a text is found, whatever they declare."""

import re
from functools import cache
from pathlib import Path

from sqlalchemy import Engine, LargeBinary, String

from monitor.privacy.erasure.masking import read_table, readable
from monitor.store.tables import metadata
from monitor.store.tables.facts import columns_of, table_names
from monitor.store.transfer.stored_rows import is_json
from monitor.table_types.contents import CODE, FACTS, Content

ROOT = Path(__file__).resolve().parents[2]
#: A launcher that starts nothing.
WORDS_OF_TESTS = {"fake"}
#: What no text of an end user or of staff is declared as.
NOT_PERSONAL = (Content.NONE, Content.FIGURE)


def places_of(engine: Engine, text: str) -> dict[str, Content]:
    """Return each column that holds a text, by `table.column`, with the content it declares."""
    places = {}
    for name in table_names():
        table = metadata.tables[name]
        columns = [
            column.name
            for column in table.columns
            if isinstance(column.type, String | LargeBinary) or is_json(column.type)
        ]
        for _, values in read_table(engine, name, columns):
            for column, value in zip(columns, values, strict=True):
                if text in str(readable(value)):
                    places[f"{name}.{column}"] = columns_of(name)[column].content
    return places


def misdeclared(engine: Engine, *texts: str) -> list[str]:
    """Return the columns that hold one of the texts and declare no personal data."""
    return [
        f"{place}: {content}"
        for text in texts
        for place, content in places_of(engine, text).items()
        if content in NOT_PERSONAL
    ]


@cache
def words_of_the_program() -> frozenset[str]:
    """Return every string of one line that the product's source has, and its parts at dots."""
    sources = [path for folder in ("monitor", "retrain") for path in (ROOT / folder).rglob("*.py")]
    texts = [path.read_text("utf-8") for path in sources]
    words = {word for text in texts for word in re.findall(r'"([^"\n]*)"', text)}
    return frozenset(words | {part for word in words for part in word.split(".")})


def wrong_words(engine: Engine) -> list[str]:
    """Return what columns hold that declare words of a fixed list, and is no word of the program.

    A word may be composed: ``evaluation.started``.
    """
    wrong, known = set(), words_of_the_program() | WORDS_OF_TESTS
    for name in table_names():
        codes = [column for column, facts in columns_of(name).items() if facts is CODE[FACTS]]
        for _, values in read_table(engine, name, codes) if codes else ():
            for column, value in zip(codes, values, strict=True):
                words = value if isinstance(value, list) else [readable(value) or ""]
                wrong |= {
                    f"{name}.{column}: {word}"
                    for word in words
                    if not known.issuperset(str(word).split("."))
                }
    return sorted(wrong)
