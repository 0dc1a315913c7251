"""Retrieved contexts, compared as a text of their own."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from driftwarden import compare_exchanges
from monitor.descriptors.context import read_context
from monitor.settings import Traffic
from monitor.traffic.files.reading import read_exchanges
from monitor.windows.comparison.context_columns import OTHER_LANGUAGE, SHARE, TOKENS, WITHOUT
from tests.support.encoders.word_encoder import WordEncoder

pytestmark = pytest.mark.language_model

OPEN = "Our office is open from Monday to Friday, and on Saturday until noon."
FRENCH = "Notre bureau est ouvert du lundi au vendredi, et le samedi jusque midi."


def side(context: Any, n_without: int = 0) -> list[dict[str, Any]]:
    return [
        {
            "prompt": f"When is your office in street {row % 7} open, and until which hour?",
            "response": "The office is open from Monday to Friday.",
            "user": f"user {row}",
            **({"context": context} if row >= n_without else {}),
        }
        for row in range(120)
    ]


def compare(
    reference: list[dict[str, Any]], current: list[dict[str, Any]], **drift: Any
) -> dict[str, Any]:
    result = compare_exchanges(
        reference,
        current,
        encoder=lambda texts: np.asarray(WordEncoder().encode(list(texts))),
        config={"drift": {"n_permutations": 199, **drift}},
    )
    return {column.name: column for column in result.numeric_columns if column.side == "metric"}


@pytest.mark.slow
def test_contexts_of_both_sides_are_compared() -> None:
    drift = {"higher_is_better": [SHARE], "lower_is_better": [WITHOUT]}
    columns = compare(side(OPEN), side([FRENCH, OPEN[:3]], n_without=60), **drift)
    assert {*columns} == {TOKENS, WITHOUT, OTHER_LANGUAGE, SHARE}
    means = {name: (entry.reference_mean, entry.current_mean) for name, entry in columns.items()}
    assert means[WITHOUT] == (0.0, 0.5)
    assert means[OTHER_LANGUAGE] == (0.0, 1.0)
    assert means[SHARE] == (1.0, 0.0)
    assert [columns[name].degraded for name in (WITHOUT, SHARE, TOKENS)] == [True, True, False]


@pytest.mark.slow
def test_too_few_contexts_are_not_compared() -> None:
    assert compare(side(OPEN), side(OPEN, n_without=101)) == {}


@pytest.mark.parametrize(
    ("value", "text"),
    [("a\n", "a"), ('["a","b"]', "a\nb"), ('["a" or b', '["a" or b'), (3, ""), (None, "")],
)
def test_a_context_is_a_text_or_a_list_of_texts(value: Any, text: str) -> None:
    assert read_context(value) == text


LINE = {"prompt": "Open?", "response": "Yes."}


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(LINE | {"context": ["a", "b"]}),
        json.dumps(LINE | {"metadata": {"context": ["a", "b"]}}),
        'question,answer,retrieved_contexts\nOpen?,Yes.,"[""a"", ""b""]"\n',
    ],
)
def test_contexts_are_read_from_keys_metadata_and_columns(tmp_path: Path, content: str) -> None:
    path = tmp_path / "file"
    path.write_text(content, encoding="utf-8")
    (exchange,) = read_exchanges(path, Traffic(), default_model="", redactor=None).exchanges
    assert read_context(exchange.attributes["context"]) == "a\nb"


def test_a_context_that_is_no_text_is_ignored(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text(json.dumps(LINE | {"context": {"id": 3}}), encoding="utf-8")
    (exchange,) = read_exchanges(path, Traffic(), default_model="", redactor=None).exchanges
    assert exchange.attributes == {}
