"""Files of exchanges, read as a whole and line by line."""

import gzip
import json
from pathlib import Path

import pytest

from monitor.errors import InputError
from monitor.settings import Traffic
from monitor.traffic.files.reading import read_exchanges
from monitor.traffic.files.records import file_source_name, iter_records
from monitor.traffic.redaction import Redactor


def write(path: Path, *lines: bytes) -> Path:
    path.write_bytes(b"\n".join(lines))
    return path


def test_bad_lines_are_told_by_number_and_reason(tmp_path: Path) -> None:
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


def test_a_json_array_is_refused_with_the_way_out(tmp_path: Path) -> None:
    path = write(tmp_path / "exchanges.json", b'[{"prompt": "one"},', b'{"prompt": "two"}]')

    with pytest.raises(InputError, match=r"holds a JSON array; .*jq -c"):
        read_exchanges(path, Traffic(), default_model="assistant", redactor=None)


@pytest.mark.parametrize(
    ("content", "advice"),
    [
        (gzip.compress(b'{"prompt": "one"}'), r"is compressed; .*zcat exchanges.jsonl"),
        (b'{\n  "prompt": "one"\n}\n', r"objects of many lines; .*jq -c \. exchanges.jsonl"),
    ],
    ids=["compressed", "indented"],
)
def test_a_file_of_another_shape_is_refused_with_a_hint(
    tmp_path: Path, content: bytes, advice: str
) -> None:
    path = write(tmp_path / "exchanges.jsonl", content)

    with pytest.raises(InputError, match=advice):
        read_exchanges(path, Traffic(), default_model="assistant", redactor=None)


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


@pytest.mark.parametrize("name", ["absent.jsonl", "."])
def test_what_is_no_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"No such file|Is a directory"):
        read_exchanges(tmp_path / name, Traffic(), default_model="assistant", redactor=None)
    with pytest.raises(InputError):
        file_source_name(tmp_path / name)


def test_a_dash_is_refused_with_the_name_of_standard_input() -> None:
    with pytest.raises(InputError, match=r"-: No such file .*; for standard input .*/dev/stdin"):
        read_exchanges(Path("-"), Traffic(), default_model="", redactor=None)


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
    path = write(tmp_path / "exchanges.jsonl", b"a", b"b", b"c", b"")

    records = list(iter_records(path, source="file", start=1))

    assert [(1, b"b"), (2, b"c")] == [(r.position.offset, r.value) for r in records]


def test_a_file_is_known_by_its_content(tmp_path: Path) -> None:
    first = write(tmp_path / "a.jsonl", b"same")
    second = write(tmp_path / "b.jsonl", b"same")
    other = write(tmp_path / "c.jsonl", b"other")

    assert file_source_name(first) == file_source_name(second)
    assert file_source_name(first) != file_source_name(other)
