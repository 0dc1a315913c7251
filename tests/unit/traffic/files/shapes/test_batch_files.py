"""Input and output of an OpenAI batch, joined by ``custom_id``."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from monitor.errors import InputError
from monitor.settings import Traffic
from monitor.traffic.files.reading import read_exchanges
from monitor.traffic.files.records import open_file
from tests.support.refusals import refusal


def request(custom_id: str) -> dict[str, Any]:
    """Return a line of an input."""
    body = {"messages": [{"role": "user", "content": f"What is {custom_id}?"}]}
    return {"custom_id": custom_id, "method": "POST", "url": "/v1/chat/completions", "body": body}


def response(custom_id: str) -> dict[str, Any]:
    """Return a line of an output."""
    message = {"role": "assistant", "content": f"This is {custom_id}."}
    body = {"choices": [{"message": message}]}
    return {"custom_id": custom_id, "response": {"status_code": 200, "body": body}, "error": None}


def write(folder: Path, *files: Sequence[dict[str, Any]]) -> Path:
    """Write files and return them as one place."""
    places = []
    for number, lines in enumerate(files):
        path = folder / f"{number}.jsonl"
        path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
        places.append(str(path))
    return Path("+".join(places))


def read(place: Path) -> list[tuple[str, str]]:
    """Return prompts and responses."""
    content = read_exchanges(place, Traffic(), default_model="", redactor=None, announce=[].append)
    return [(exchange.prompt, exchange.response) for exchange in content.exchanges]


@pytest.mark.parametrize("output_first", [False, True])
def test_responses_find_their_requests_in_any_order(tmp_path: Path, output_first: bool) -> None:
    files = [[request(name) for name in "abc"], [response(name) for name in "cab"]]
    place = write(tmp_path, *(files[::-1] if output_first else files))

    assert [(f"What is {name}?", f"This is {name}.") for name in "abc"] == read(place)
    assert open_file(place).check() == 3
    assert [number for number, _ in open_file(place).values(1)] == [1, 2]


def test_failed_requests_come_from_the_file_of_errors(tmp_path: Path) -> None:
    failed = {"custom_id": "b", "response": {"status_code": 500, "body": {"error": {}}}}
    place = write(tmp_path, [request("a"), request("b")], [response("a")], [failed])

    assert read(place) == [("What is a?", "This is a."), ("What is b?", "")]


@pytest.mark.parametrize(
    ("code", "inputs", "outputs"),
    [
        ("duplicate_custom_id", "aab", "ab"),
        ("duplicate_custom_id", "ab", "aab"),
        ("unknown_custom_id", "ab", "abc"),
    ],
)
def test_files_of_different_batches_are_refused(
    tmp_path: Path, code: str, inputs: str, outputs: str
) -> None:
    place = write(tmp_path, [request(n) for n in inputs], [response(n) for n in outputs])

    with refusal(code, InputError):
        read(place)


def test_two_inputs_with_an_output_are_refused(tmp_path: Path) -> None:
    place = write(tmp_path, [request("a")], [request("b")], [response("a")])

    with refusal("inputs_of_batch", InputError):
        read(place)


def test_two_files_of_exchanges_are_one_after_the_other(tmp_path: Path) -> None:
    lines = [[{"prompt": "q", "response": name}] for name in "ab"]

    assert read(write(tmp_path, *lines)) == [("q", "a"), ("q", "b")]


def test_file_with_a_plus_in_its_name_is_itself(tmp_path: Path) -> None:
    path = tmp_path / "a+b.jsonl"
    path.write_text(json.dumps({"prompt": "q", "response": "a"}))

    assert read(path) == [("q", "a")]
