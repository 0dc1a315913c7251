"""CSV files: header, delimiter, types of columns, rows that don't fit."""

import gzip
from pathlib import Path

import msgspec
import pytest

from monitor.errors import InputError
from monitor.input_files import open_source
from tests.support.refusals import refusal


def rows(path: Path, content: bytes) -> list[dict[str, object]]:
    path.write_bytes(content)
    source = open_source(path)
    assert source.unit == "row"
    return [msgspec.json.decode(value) for _, value in source.values()]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_delimiter_is_that_of_the_header(tmp_path: Path, delimiter: str, mark: bytes) -> None:
    content = 'prompt,response\r\n"a, b; c\td",e\r\n'.replace(",", delimiter).encode()
    expected = {"prompt": f"a{delimiter} b; c\td", "response": "e"}
    assert [expected] == rows(tmp_path / "a.jsonl", mark + content)
    assert [expected] == rows(tmp_path / "a.csv", gzip.compress(content, mtime=0))


def test_a_table_in_markdown_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("| prompt | response |\n| --- | --- |\n| a | b |\n", encoding="utf-8")
    with refusal("no_header", InputError):
        open_source(path)


def test_columns_have_types_and_empty_cells_are_absent(tmp_path: Path) -> None:
    content = (
        b",id,prompt,response,ok,score,latency,metadata,messages,note\n"
        b'0,007,"two\nlines, ""quoted""",1,True,1,1.5e3,"{""a"": 1}","[{""role"": ""user""}]",12\n'
        b"1,8,42,2,false,NaN,,,,n/a\n"
    )
    assert rows(tmp_path / "a.csv", content) == [
        {
            "id": "007",
            "prompt": 'two\nlines, "quoted"',
            "response": "1",
            "ok": True,
            "score": 1,
            "latency": 1500.0,
            "metadata": {"a": 1},
            "messages": [{"role": "user"}],
            "note": "12",
        },
        {"id": "8", "prompt": "42", "response": "2", "ok": False, "note": "n/a"},
    ]


def test_dicts_as_pandas_writes_them_are_objects(tmp_path: Path) -> None:
    content = (
        b"messages,metadata,prompt\n"
        b"\"[{'role': 'user', 'content': \"\"it's\"\"}]\",\"{'ok': True, 'n': None}\",{'a'}\n"
    )
    assert rows(tmp_path / "a.csv", content) == [
        {
            "messages": [{"role": "user", "content": "it's"}],
            "metadata": {"ok": True, "n": None},
            "prompt": "{'a'}",
        }
    ]


@pytest.mark.parametrize("name", ["response", "Answer", "output"])
def test_a_response_in_json_stays_a_text(tmp_path: Path, name: str) -> None:
    content = f'\nprompt,{name}\na,"{{""intent"": ""x""}}"\n'.encode()
    assert [{"prompt": "a", name: '{"intent": "x"}'}] == rows(tmp_path / "a.csv", content)


def test_a_chat_in_json_is_an_object(tmp_path: Path) -> None:
    content = (
        b'input,output\n"{""messages"": []}","{""role"": ""assistant"", ""content"": ""a""}"\n'
    )
    assert rows(tmp_path / "a.csv", content) == [
        {"input": {"messages": []}, "output": {"role": "assistant", "content": "a"}}
    ]


def test_a_late_text_in_a_numeric_column_is_kept(tmp_path: Path) -> None:
    content = b"prompt,score\n" + b"a,1\n" * 1000 + b"a,none\n"
    assert rows(tmp_path / "a.csv", content)[-1]["score"] == "none"


def test_a_long_cell_is_read_whole(tmp_path: Path) -> None:
    text = "x" * 300_000
    assert [{"prompt": text}] == rows(tmp_path / "a.csv", f"prompt\n{text}\n".encode())


def test_a_row_in_latin_1_keeps_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("prompt,response\ncafé,b\nx,y\n".encode("latin-1"))
    first, second = (value for _, value in open_source(path).values())
    assert b"caf\xe9" in first
    assert msgspec.json.decode(second) == {"prompt": "x", "response": "y"}


def test_an_index_that_is_a_column_too_is_read_once(tmp_path: Path) -> None:
    content = b"context.span_id,name,context.span_id\ns1,llm,s1\ns2,llm,s2\n"
    expected = [{"context.span_id": f"s{n}", "name": "llm"} for n in (1, 2)]
    assert expected == rows(tmp_path / "a.csv", content)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"prompt,response\na,b\nc,d,e\n", "unequal_row"),
        (b"prompt,response\na,b\nc\n", "unequal_row"),
        (b"prompt,response\nline one\nline two,b\n", "unequal_row"),
        (b'prompt,response\n"a,b\nc,d\n', "open_quotes"),
        (b'prompt,response\n"a" b,c\n', "not_csv"),
        (b"prompt,prompt\na,b\n", "same_name"),
        (b"prompt,prompt\na,a\nb,c\n", "same_name"),
        (b"prompt,score\na,inf\nb,1\n", "infinite"),
        (b"How do I reset it?,Click here.\nWhere is it?,There.\n", "no_header"),
        (b"1,2\n3,4\n", "no_header"),
        (b'"{""a"": 1}",b\nc,d\n', "no_header"),
    ],
)
def test_rows_that_do_not_fit_are_refused(tmp_path: Path, content: bytes, code: str) -> None:
    with refusal(code, InputError):
        rows(tmp_path / "a.csv", content)
