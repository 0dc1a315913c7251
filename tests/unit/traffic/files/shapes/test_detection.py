"""Detection of the shape: which lines decide, and what wins over it."""

import json
from pathlib import Path
from typing import Any

import pytest

from monitor.errors import InputError
from monitor.settings import Traffic, TrafficFields
from monitor.settings.traffic import TrafficJoin
from monitor.traffic.files.reading import read_exchanges
from monitor.traffic.files.shapes import detect_shape
from tests.support.refusals import refusal
from tests.support.traffic.objects import read_objects as read

SHAREGPT = {"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]}
ALPACA = {"instruction": "q", "output": "a"}
PLAIN = {"prompt": "q", "response": "a"}


@pytest.mark.parametrize("odd", [ALPACA, PLAIN, {"x": 1}], ids=["alpaca", "plain", "unknown"])
@pytest.mark.parametrize("place", [0, 7])
def test_one_odd_line_is_bad_and_decides_nothing(odd: dict[str, Any], place: int) -> None:
    rows = [SHAREGPT] * 10
    rows[place] = odd

    content = read(rows)

    assert 9 == len(content.exchanges)
    assert [(place + 1, "unknown_format")] == [
        (bad.number, bad.reason) for bad in content.bad_lines
    ]


def test_two_shapes_are_refused_with_their_lines() -> None:
    rows = [SHAREGPT] * 6 + [ALPACA] * 3

    with refusal("two_shapes", InputError, match=r"lines 1 to 6.*lines 7 to 9"):
        read(rows)


def test_second_shape_after_the_first_lines_is_bad() -> None:
    content = read([SHAREGPT] * 500 + [ALPACA] * 300)

    assert 500 == len(content.exchanges)
    assert list(range(501, 801)) == [bad.number for bad in content.bad_lines]


@pytest.mark.parametrize(
    ("settings", "exchanges"),
    [
        (Traffic(fields=TrafficFields(prompt="b", response="a")), [("2", "1")]),
        (Traffic(format="mapped", fields=TrafficFields(prompt="output")), [("5", "")]),
        (Traffic(format="plain"), []),
    ],
    ids=["fields", "mapped", "format"],
)
def test_settings_win_over_the_shape(settings: Traffic, exchanges: list[tuple[str, str]]) -> None:
    remarks: list[str] = []
    line = {"instruction": "3", "output": "5", "a": "1", "b": "2"}

    content = read([line], settings, announce=remarks.append)

    assert exchanges == [(exchange.prompt, exchange.response) for exchange in content.exchanges]
    assert [] == remarks


def test_plain_line_stays_plain_beside_names_of_columns() -> None:
    line = {**PLAIN, "question": "x", "answer": "y", "completion": "z", "score": 3, "output": "o"}

    (exchange,) = read([line]).exchanges

    assert ("q", "a", {}) == (exchange.prompt, exchange.response, exchange.attributes)


def test_row_of_a_table_keeps_its_texts_and_gains_columns() -> None:
    row = {**PLAIN, "question": "x", "answer": "y", "user_id": "u", "score": 3}

    (exchange,) = read([row], is_table=True).exchanges

    assert ("q", "a") == (exchange.prompt, exchange.response)
    assert ("u", {"score": 3}) == (exchange.end_user, exchange.attributes)


def test_table_with_plain_names_needs_no_remark() -> None:
    remarks: list[str] = []

    content = read([{**PLAIN, "user": "u"}] * 3, is_table=True, announce=remarks.append)

    assert 3 == len(content.exchanges)
    assert [] == remarks


@pytest.mark.parametrize("unread", [{"user_id": "u"}, {"rating": 4}, {"resolved": True}])
def test_unread_user_or_metric_of_plain_lines_is_reported(unread: dict[str, Any]) -> None:
    remarks: list[str] = []

    read([{**PLAIN, "metadata": {"cost": 1}, **unread}] * 3, announce=remarks.append)

    assert 1 == len(remarks)
    assert f"not read: {next(iter(unread))} (" in remarks[0]


def test_halves_are_no_columns() -> None:
    halves = [{"id": "1", "prompt": "q", "answer": "x"}, {"id": "1", "response": "a"}]

    content = read(halves, Traffic(join=TrafficJoin(enabled=True)))

    assert [("q", "a")] == [(e.prompt, e.response) for e in content.exchanges]


def test_prompts_alone_stay_prompts() -> None:
    content = read([{"prompt": f"q {n}"} for n in range(3)])

    assert ["q 0", "q 1", "q 2"] == [exchange.prompt for exchange in content.exchanges]


def test_no_objects_have_the_shape_of_traffic() -> None:
    assert "" == detect_shape([]).remark == detect_shape([], is_table=True).remark


def test_missing_cell_is_reported_by_its_line() -> None:
    rows = [{"question": f"q {n}", "answer": f"a {n}"} for n in range(4)]
    del rows[2]["question"], rows[3]["answer"]

    content = read(rows, requires_response=True)

    assert [(3, "missing_prompt"), (4, "missing_response")] == [
        (bad.number, bad.reason) for bad in content.bad_lines
    ]


def test_remark_on_a_file_goes_to_standard_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "own.jsonl"
    path.write_text(json.dumps({"question": "q", "answer": "a"}))

    read_exchanges(path, Traffic(), default_model="", redactor=None)

    written = capsys.readouterr()
    assert "" == written.out
    assert 1 == written.err.count("question -> prompt, answer -> response")
    assert "traffic.fields" in written.err
