"""Texts that an export left encoded."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from monitor.settings import Traffic
from monitor.traffic.files.reading import read_exchanges

TEXTS = [f"Where is parcel {n}?" for n in range(20)]
MESSAGE = {"role": "assistant", "content": "On its way."}
COMPLETION = {"id": "c", "choices": [{"message": MESSAGE, "finish_reason": "length"}]}
Pairs = list[tuple[str, str]]


def twice(text: str) -> str:
    return json.dumps(json.dumps(text))


def in_list(text: str) -> str:
    return json.dumps([text, None])


def in_object(text: str) -> str:
    return json.dumps({"text": text})


def as_turns(text: str) -> str:
    return json.dumps(json.dumps([{"role": "user", "content": text}]))


def read(folder: Path, rows: Any, *, of_traffic: bool = False) -> tuple[Pairs, list[str]]:
    """Return the texts of rows of CSV, or of objects as JSON lines, and the remarks."""
    path, file = folder / "file", io.StringIO()
    if isinstance(rows[0], dict):
        file.write("\n".join(map(json.dumps, rows)))
    else:
        csv.writer(file).writerows([("prompt", "response"), *rows])
    path.write_text(file.getvalue(), encoding="utf-8")
    remarks: list[str] = []
    content = read_exchanges(
        path,
        Traffic(),
        default_model="",
        redactor=None,
        requires_response=of_traffic,
        announce=remarks.append,
    )
    return [(row.prompt, row.response) for row in content.exchanges], remarks


@pytest.mark.parametrize("encode", [json.dumps, twice, in_list, in_object])
def test_encoded_columns_are_read_as_their_texts(tmp_path: Path, encode: Any) -> None:
    expected = [(text, "On its way.") for text in TEXTS]
    rows = [(encode(text), encode(response)) for text, response in expected]
    pairs, remarks = read(tmp_path, rows)
    assert pairs == expected
    assert "prompts and responses are JSON" in remarks[0]
    lines = [{"prompt": prompt, "response": response} for prompt, response in rows]
    assert read(tmp_path, lines)[0] == expected
    # Of traffic, which comes as it is.
    assert read(tmp_path, lines, of_traffic=True) == (rows, [])


def test_turns_encoded_twice_are_a_conversation(tmp_path: Path) -> None:
    assert read(tmp_path, [(as_turns(text), "a") for text in TEXTS])[0][0][0] == TEXTS[0]


@pytest.mark.parametrize("of_traffic", [False, True])
def test_a_whole_response_of_an_api_is_its_text(tmp_path: Path, of_traffic: bool) -> None:
    rows = [(text, json.dumps(COMPLETION)) for text in TEXTS]
    expected = [(text, "On its way.") for text in TEXTS]
    assert read(tmp_path, rows, of_traffic=of_traffic)[0] == expected
    lines = [{"prompt": text, "response": COMPLETION} for text in TEXTS]
    assert read(tmp_path, lines, of_traffic=of_traffic)[0] == expected
    text_lines = [{"prompt": text, "response": json.dumps(COMPLETION)} for text in TEXTS]
    assert read(tmp_path, text_lines)[0] == expected


@pytest.mark.parametrize("of_traffic", [False, True])
def test_lists_and_objects_of_a_parquet_file_are_their_texts(
    tmp_path: Path, of_traffic: bool
) -> None:
    expected = [(text, "On its way.") for text in TEXTS]
    columns: dict[str, list[Any]] = {
        "prompt": [[text] for text in TEXTS],
        "response": [{"text": "On its way."}] * len(TEXTS),
    }
    parquet.write_table(pa.table(columns), tmp_path / "table")
    content = read_exchanges(
        tmp_path / "table",
        Traffic(),
        default_model="",
        redactor=None,
        requires_response=of_traffic,
    )
    assert [(row.prompt, row.response) for row in content.exchanges] == expected


def test_a_whole_request_of_an_api_is_its_messages(tmp_path: Path) -> None:
    requests = [{"model": "m", "messages": [{"role": "user", "content": t}]} for t in TEXTS]
    rows = [(json.dumps(request), "On its way.") for request in requests]
    assert read(tmp_path, rows)[0] == [(text, "On its way.") for text in TEXTS]


def test_an_error_among_responses_of_an_api_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "file"
    bodies: list[Any] = [*[COMPLETION] * 9, {"error": {"code": 429}}]
    lines = [{"prompt": "a", "response": json.dumps(body)} for body in bodies]
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    last = read_exchanges(path, Traffic(), default_model="", redactor=None).exchanges[-1]
    assert (last.response, last.attributes["error"]) == ("", "429")


def test_a_cut_response_of_an_api_is_counted_as_cut(tmp_path: Path) -> None:
    path = tmp_path / "file"
    line = {"prompt": "a", "response": json.dumps(COMPLETION)}
    path.write_text(json.dumps(line), encoding="utf-8")
    content = read_exchanges(path, Traffic(), default_model="", redactor=None)
    assert content.exchanges[0].attributes["finish_reason"] == "length"


@pytest.mark.parametrize(
    "response",
    [
        '["billing", "delivery"]',
        '["billing"]',
        '{"answer": "On its way."}',
        '{"question": "Who?", "choices": ["I", "you"]}',
        '{"question": "Who?", "choices": [{"text": "I"}, {"text": "you"}]}',
        '"No" is the answer.',
    ],
)
def test_json_of_the_model_itself_stays(tmp_path: Path, response: str) -> None:
    rows = [(text, response) for text in TEXTS]
    assert read(tmp_path, rows)[0] == rows


def test_a_few_encoded_prompts_are_those_of_users(tmp_path: Path) -> None:
    rows = [(json.dumps(text), "a") for text in TEXTS[:17]] + [(text, "a") for text in TEXTS[17:]]
    assert read(tmp_path, rows)[0] == rows


def test_a_late_text_that_is_not_encoded_stays(tmp_path: Path) -> None:
    rows = [(json.dumps(text), "a") for text in TEXTS[:19]] + [("Hello", "a")]
    assert [prompt for prompt, _ in read(tmp_path, rows)[0]] == [*TEXTS[:19], "Hello"]
