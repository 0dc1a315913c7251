"""Files of exchanges, read as a whole and line by line."""

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from monitor.errors import InputError
from monitor.settings import Traffic
from monitor.traffic.files.reading import read_exchanges
from monitor.traffic.files.records import file_source_name, iter_records
from monitor.traffic.redaction import Redactor
from tests.support.refusals import refusal


def write(path: Path, *lines: bytes) -> Path:
    path.write_bytes(b"\n".join(lines))
    return path


def test_bad_lines_are_reported_by_number_and_reason(tmp_path: Path) -> None:
    path = write(
        tmp_path / "exchanges.jsonl",
        b'\xef\xbb\xbf{"prompt": "one"}\r',
        b"",
        b"{oops",
        b'{"prompt": "write to ann@example.org"}',
        b'{"response": "no prompt"}',
    )

    content = read_exchanges(path, Traffic(), default_model="assistant", redactor=Redactor())

    assert ["one", "write to [EMAIL]"] == [exchange.prompt for exchange in content.exchanges]
    assert [(3, "invalid_json"), (5, "missing_prompt")] == [
        (line.number, line.reason) for line in content.bad_lines
    ]
    assert str(content.bad_lines[0]).startswith("line 3: invalid_json: ")


def test_redaction_can_be_turned_off(tmp_path: Path) -> None:
    path = write(tmp_path / "exchanges.jsonl", b'{"prompt": "ann@example.org"}')

    content = read_exchanges(path, Traffic(), default_model="assistant", redactor=None)

    assert "ann@example.org" == content.exchanges[0].prompt


@pytest.mark.parametrize(
    ("content", "unit"),
    [
        (b'[{"prompt": "a"},\n {"prompt": "b"}, {"prompt": 5}]', "element"),
        (gzip.compress(b'{"prompt": "a"}\n{"prompt": "b"}\n{oops', mtime=0), "line"),
        (b'{\n  "prompt": "a"\n}\n{\n  "prompt": "b"\n}\n{"prompt": 5}', "object"),
        (b"prompt,response\na,r\nb,r\n,r\n", "row"),
    ],
    ids=["array", "compressed", "indented", "csv"],
)
def test_every_container_gives_exchanges_and_bad_values(
    tmp_path: Path, content: bytes, unit: str
) -> None:
    path = write(tmp_path / "exchanges.jsonl", content)

    read = read_exchanges(path, Traffic(), default_model="assistant", redactor=None)

    assert ["a", "b"] == [exchange.prompt for exchange in read.exchanges]
    assert [(unit, 3)] == [(bad.unit, bad.number) for bad in read.bad_lines]


@pytest.mark.parametrize("value", [10**18, -(10**18), 0, 5 * 10**15])
def test_one_bad_time_refuses_its_row_alone(tmp_path: Path, value: int) -> None:
    good = 1_793_613_600_000_000
    times = pa.array([good] * 5 + [value] + [good] * 14, pa.timestamp("us", "UTC"))
    prompts = [f"prompt {n}" for n in range(20)]
    parquet.write_table(pa.table({"prompt": prompts, "timestamp": times}), tmp_path / "a.parquet")

    read = read_exchanges(tmp_path / "a.parquet", Traffic(), default_model="", redactor=None)

    assert [*prompts[:5], *prompts[6:]] == [exchange.prompt for exchange in read.exchanges]
    assert [(6, "bad_timestamp")] == [(bad.number, bad.reason) for bad in read.bad_lines]


@pytest.mark.parametrize(
    ("line", "has_response"),
    [
        ('{"prompt": "a"}', False),
        ('{"prompt": "a", "response": null}', False),
        ('{"prompt": "a", "response": ""}', True),
        ('{"prompt": "a", "response": null, "metadata": {"error": "timeout"}}', True),
    ],
)
def test_an_empty_response_counts_and_a_missing_one_does_not(
    tmp_path: Path, line: str, has_response: bool
) -> None:
    path = write(tmp_path / "exchanges.jsonl", line.encode())
    (exchange,) = read_exchanges(path, Traffic(), default_model="", redactor=None).exchanges
    assert (exchange.response, exchange.has_response) == ("", has_response)


@pytest.mark.parametrize("text", ["a", "\ud83d"])
@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_a_number_invalid_in_json_is_reported_with_a_hint(
    tmp_path: Path, text: str, number: str
) -> None:
    record = json.dumps({"prompt": text, "metadata": {"score": float(number)}})
    path = write(tmp_path / "exchanges.jsonl", record.encode())

    (bad,) = read_exchanges(path, Traffic(), default_model="", redactor=None).bad_lines

    assert "invalid_json" == bad.reason
    assert f"{number} is no JSON: leave its key out, or write null" in bad.detail


def test_a_file_in_latin_1_is_reported_with_a_hint(tmp_path: Path) -> None:
    line = '{"prompt":"café"}'.encode("latin-1")
    path = write(tmp_path / "exchanges.jsonl", b"{oops", line, line)

    _, first, second = read_exchanges(path, Traffic(), default_model="", redactor=None).bad_lines

    assert first.detail.startswith("at byte 14: ")
    assert first.detail.endswith(
        "; `iconv -f LATIN1 -t UTF-8 exchanges.jsonl` if the file is Latin-1"
    )
    assert first.detail.startswith(second.detail)
    assert "iconv" not in second.detail


@pytest.mark.parametrize(("name", "code"), [("absent.jsonl", "no_file"), (".", "no_data_files")])
def test_path_without_a_readable_file_is_refused(tmp_path: Path, name: str, code: str) -> None:
    with refusal(code, InputError):
        read_exchanges(tmp_path / name, Traffic(), default_model="assistant", redactor=None)
    with refusal(code, InputError):
        file_source_name(tmp_path / name)


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (b"null", "null"),
        (b"true", "a boolean"),
        (b"0", "a number"),
        (b"0.5", "a number"),
        (b'"hello"', "a text"),
        (b"[1]", "a list"),
    ],
)
def test_a_value_that_is_no_object_is_named_by_type(tmp_path: Path, line: bytes, kind: str) -> None:
    path = write(tmp_path / "exchanges.jsonl", b'{"prompt": "one"}', line)

    (bad,) = read_exchanges(path, Traffic(), default_model="", redactor=None).bad_lines

    assert f"line 2: wrong_type: expected an object, got {kind}" == str(bad)


def test_reading_goes_on_at_a_line(tmp_path: Path) -> None:
    path = write(tmp_path / "exchanges.jsonl", b"{}", b'{"b":1}', b"[]", b"")

    records = list(iter_records(path, source="file", start=1))

    assert [(1, b'{"b":1}'), (2, b"[]")] == [(r.position.offset, r.value) for r in records]


def test_a_file_is_known_by_its_content(tmp_path: Path) -> None:
    first = write(tmp_path / "a.jsonl", b"{}")
    second = write(tmp_path / "b.jsonl", b"{}")
    other = write(tmp_path / "c.jsonl", b"other")

    assert file_source_name(first) == file_source_name(second)
    assert file_source_name(first) != file_source_name(other)
