"""The runner of pages notices what a reader would stumble over."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from monitor.errors import DriftwardenError
from tests.documentation.blocks import Block, commands_of
from tests.documentation.following import at_site, follow
from tests.documentation.fragments import load
from tests.documentation.page import Page, Site, of

Run = Callable[..., list[str]]


@pytest.fixture
def run(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that writes a page and follows it."""

    def written(text: str, **tables: Any) -> list[str]:
        path = tmp_path / "page.md"
        path.write_text(text, encoding="utf-8")
        page = Page(str(path), **tables)
        with at_site(page, tmp_path / "site", request) as site:
            return follow(page, site, monkeypatch)

    return written


def sh(text: str) -> str:
    return f"```sh\n{text}\n```\n\n"


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("a\n# a comment\n\nb   # another", ["a", "b   # another"]),
        ("a --x \\\n  --y\nb", ["a --x \\\n  --y", "b"]),
        ("for x in a b; do\n  echo $x\ndone", ["for x in a b; do\n  echo $x\ndone"]),
        ("cat <<END\na\nEND\nb", ["cat <<END\na\nEND", "b"]),
        ("#!/bin/sh\na\nb\n", ["#!/bin/sh\na\nb\n"]),
    ],
)
def test_commands_are_the_shell_s(text: str, commands: list[str]) -> None:
    assert [command.text for command in commands_of(Block("sh", text, 1))] == commands


def test_a_command_without_its_end_is_an_error() -> None:
    with pytest.raises(ValueError, match="line 7"):
        commands_of(Block("sh", "echo 'open", 7))


def test_output_belongs_to_the_command_before_it() -> None:
    commands = commands_of(Block("console", "$ a\n1\n2\n$ b\n", 1))
    assert [(command.text, command.output) for command in commands] == [("a", "1\n2\n"), ("b", "")]


def test_folder_and_variables_stay(run: Run) -> None:
    text = (
        sh("mkdir sub && cd sub\nX='a b'") + "```console\n$ basename $PWD; echo $X\nsub\na b\n```\n"
    )
    assert len(run(text)) == 3


def test_exit_statuses_are_those_of_the_page(run: Run) -> None:
    assert run(sh("(exit 3)"), statuses={"(exit 3)": 3}) == ["(exit 3)"]


@pytest.mark.parametrize(
    ("text", "tables"),
    [
        (sh("true\nfalse\ntrue"), {}),
        (sh("(exit 4)"), {"statuses": {"(exit 4)": 3}}),
        (sh("true"), {"statuses": {"true": 3}}),
        ("```console\n$ echo a\nb\n```\n", {}),
        ("```console\n$ echo a; echo b\na\n```\n", {}),
    ],
)
def test_failed_expectation_names_page_and_line(
    run: Run, text: str, tables: dict[str, Any]
) -> None:
    with pytest.raises(AssertionError, match=r"page\.md, line"):
        run(text, **tables)


def test_a_command_that_does_not_end_fails(run: Run) -> None:
    with pytest.raises(TimeoutError, match="sleep 60"):
        run(sh("echo begun; sleep 60"), seconds=0.5)


def test_a_command_that_ends_the_shell_fails(run: Run) -> None:
    with pytest.raises(EOFError, match="exit 1"):
        run(sh("exit 1"))


def test_blocks_of_python_share_their_names(run: Run) -> None:
    block = "```python\n{}\n```\n\n"
    assert len(run(block.format("x = 1") + block.format("y = x + 1"))) == 2


def test_an_error_of_python_fails(run: Run) -> None:
    with pytest.raises(NameError):
        run("```python\nabsent\n```\n")


def test_a_service_is_ended_as_by_ctrl_c(run: Run) -> None:
    def is_there(site: Site) -> None:
        assert site.log.exists()
        if "ready" not in site.log.read_text():
            raise ConnectionError

    text = sh("echo ready; sleep 60")
    assert run(text, services={"echo ready": is_there}) == ["echo ready; sleep 60"]


def test_placeholders_of_examples_are_filled_in(run: Run) -> None:
    assert run(sh("test YOURS = mine"), fill={"YOURS": "mine"}) == ["test YOURS = mine"]


def test_listed_commands_are_not_run(run: Run) -> None:
    assert run(sh("true\nfalse"), listed={"false": "it fails"}) == ["true"]


def test_the_longest_key_counts() -> None:
    table = {"a": 1, "a b": 2}
    assert (of(table, "a b c"), of(table, "a c"), of(table, "b")) == (2, 1, None)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("toml", "alerts.chanel = 'C1'\n"),
        ("toml", "a = \n"),
        ("yaml", "human_eval: {reviewers: 0}\n"),
        ("yaml", "evaluation: {}\n"),
        ("markdown", "# a: A\n\nNo sections.\n"),
    ],
)
def test_fragments_with_errors_are_refused(language: str, text: str, tmp_path: Path) -> None:
    with pytest.raises(DriftwardenError):
        load(Block(language, text, 1), tmp_path)


def test_broken_json_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of any kind
        load(Block("json", '{"a": 1}\n{"b": \n', 1), tmp_path)
