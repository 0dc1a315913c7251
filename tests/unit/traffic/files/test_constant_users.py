"""Files in which all exchanges name one end user."""

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from monitor.input_files.source import source_of_bytes
from monitor.settings import Traffic
from monitor.traffic.files.reading import FileContent, read_exchanges
from monitor.windows.findings.file_remarks import remarks_on_files
from monitor.windows.reading.files import unembedded_files
from tests.support.traffic.record_batches import NOW

Row = dict[str, Any]


def read(
    rows: list[Row],
    *,
    of_traffic: bool = False,
    as_csv: bool = False,
    announce: Callable[[str], None] = lambda _: None,
) -> FileContent:
    text = "\n".join(map(json.dumps, rows))
    if as_csv:
        file = io.StringIO()
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
        text = file.getvalue()
    return read_exchanges(
        source_of_bytes(text.encode(), "file"),
        Traffic(),
        default_model="",
        redactor=None,
        requires_response=of_traffic,
        announce=announce,
    )


def rows(n: int = 20, **columns: Any) -> list[Row]:
    return [
        {"prompt": "Hi", "response": "Yes", "user": "default_user_id"}
        | {
            name: value if isinstance(value, dict) else f"{value}{k}"
            for name, value in columns.items()
        }
        for k in range(n)
    ]


def users(content: FileContent) -> list[str]:
    return [exchange.end_user for exchange in content.exchanges]


@pytest.mark.parametrize("as_csv", [False, True])
def test_the_next_column_of_users_is_taken(as_csv: bool) -> None:
    remarks: list[str] = []
    content = read(rows(session_id="s", end_user="e"), as_csv=as_csv, announce=remarks.append)
    assert users(content) == content.sent_ids == [f"e{k}" for k in range(20)]
    assert "'end_user' is read" in content.user_remark
    assert remarks[-1] == f"file: {content.user_remark}"


def test_users_of_the_metadata_are_taken() -> None:
    lines = [row | {"metadata": {"user_id": k}} for k, row in enumerate(rows())]
    assert users(read(lines)) == [str(k) for k in range(20)]


def test_a_constant_user_alone_is_none_with_a_remark() -> None:
    content = read(rows())
    assert users(content) == [""] * 20
    source = source_of_bytes(b"", "week")
    sides = unembedded_files([source, source], [content, content])
    remarks = remarks_on_files(sides, field="", now=NOW)
    assert [
        remark for remark in remarks if "No exchange of either side names an end user" in remark
    ]
    assert [remark for remark in remarks if remark.startswith("week: all 20 exchanges have one")]


def test_a_second_user_after_a_thousand_rows_keeps_all() -> None:
    content = read([*rows(1_000, session_id="s"), {"prompt": "Hi", "user": "u"}])
    assert {*users(content)} == {"default_user_id", "u"}
    assert not content.user_remark


@pytest.mark.parametrize("n", [1, 19])
def test_few_exchanges_keep_their_user(n: int) -> None:
    assert users(read(rows(n))) == ["default_user_id"] * n


def test_a_baseline_of_traffic_keeps_its_user() -> None:
    assert users(read(rows(end_user="e"), of_traffic=True)) == ["default_user_id"] * 20


def test_a_name_of_a_user_without_values_is_no_user() -> None:
    assert users(read([row | {"end_user": None} for row in rows()])) == [""] * 20
