"""Pages of the documentation are run as written; all of them under `make drills`."""

import re
from functools import cache
from pathlib import Path

import pytest

from tests.documentation.blocks import PATHS, ROOT, blocks_of, commands_of
from tests.documentation.every_page import PAGES
from tests.documentation.following import at_site, follow
from tests.documentation.fragments import LANGUAGES, load
from tests.documentation.page import RUN, Page, of
from tests.documentation.shown_output import is_shown
from tests.services.live_endpoint import live_endpoint  # noqa: F401 - a fixture
from tests.services.slack import slack  # noqa: F401 - a fixture
from tests.support.retrain.tiny_model import tiny_base  # noqa: F401 - a fixture

BY_NAME = {page.name: page for page in PAGES}
#: The cheapest page shows in each test run that the runner works.
SHORT = "how-to/write-a-taxonomy.md"


@pytest.mark.drill
@pytest.mark.kafka
@pytest.mark.postgres
@pytest.mark.language_model
@pytest.mark.parametrize("name", BY_NAME)
def test_a_page_runs_as_written(
    name: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    with at_site(BY_NAME[name], tmp_path / "site", request) as site:
        done = follow(BY_NAME[name], site, monkeypatch)
    assert done == to_run(BY_NAME[name])


def test_the_cheapest_page_runs_as_written(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    with at_site(BY_NAME[SHORT], tmp_path / "site", request) as site:
        done = follow(BY_NAME[SHORT], site, monkeypatch)
    assert len(done) >= 3
    assert done == to_run(BY_NAME[SHORT])


def steps_of(page: Page) -> list[str]:
    """Return the texts of a page that tables may name: blocks, and commands of the shell."""
    texts = []
    for block in blocks_of(page.path):
        texts.append(block.text)
        if block.language in {"sh", "console"}:
            texts += [command.text for command in commands_of(block)]
    return texts


def to_run(page: Page) -> list[str]:
    """Return the first lines of what a page has to run."""
    texts: list[str] = []
    for block in blocks_of(page.path):
        if block.language not in RUN or of(page.listed, block.text):
            continue
        is_python = block.language == "python"
        commands = [block.text] if is_python else [command.text for command in commands_of(block)]
        texts += [text.splitlines()[0] for text in commands if not of(page.listed, text)]
    return texts


def test_every_page_with_blocks_is_followed() -> None:
    assert {page.path for page in PAGES} == {path for path in PATHS if blocks_of(path)}


@pytest.mark.parametrize("name", BY_NAME)
def test_every_block_is_run_loaded_or_listed(name: str) -> None:
    page = BY_NAME[name]
    unknown = [
        f"line {block.line}: {block.language!r}"
        for block in blocks_of(page.path)
        if block.language not in {*RUN, *LANGUAGES} and not of(page.listed, block.text)
    ]
    assert unknown == [], "say which language it is, or list it with the reason"
    texts = steps_of(page)
    gone = [key for key in page.keys if not any(text.startswith(key) for text in texts)]
    assert gone == [], "the page has no such block"
    assert all(page.listed.values())
    everything = "\n".join(texts)
    assert [name for name in page.fill if name not in everything] == []


#: A test, a file of tests or a folder of tests that a reason names.
NAMED = re.compile(r"\btest_\w+|\btests(?:/\w+)+(?:\.py)?")


@cache
def names_of_tests() -> frozenset[str]:
    """Return the names of all functions and files of tests."""
    files = [path for path in (ROOT / "tests").rglob("test_*.py") if path.is_file()]
    functions = re.compile(r"^ *def (test_\w+)", re.MULTILINE)
    found_in = [functions.findall(path.read_text(encoding="utf-8")) for path in files]
    return frozenset(name for names in found_in for name in names) | {path.stem for path in files}


def unknown_names(reason: str) -> list[str]:
    """Return the tests that a reason names and that don't exist."""
    return [
        name
        for name in NAMED.findall(reason)
        if not ((ROOT / name).exists() if "/" in name else name in names_of_tests())
    ]


@pytest.mark.parametrize("name", BY_NAME)
def test_reasons_name_tests_that_exist(name: str) -> None:
    for key, reason in BY_NAME[name].listed.items():
        assert unknown_names(reason) == [], key


def test_a_test_that_does_not_exist_is_noticed() -> None:
    known = ["test_pages", "test_reasons_name_tests_that_exist", "tests/documentation"]
    absent = ["test_page", "test_absent", "tests/documentation/absent", "tests/test_pages.py"]
    assert unknown_names(f"see {'; '.join([*known, *absent])}.") == absent


@pytest.mark.parametrize("path", [path for path in PATHS if blocks_of(path)], ids=lambda p: p.stem)
def test_fragments_of_files_are_valid(path: Path, tmp_path: Path) -> None:
    for number, block in enumerate(blocks_of(path)):
        if block.language in LANGUAGES:
            folder = tmp_path / str(number)
            folder.mkdir()
            assert load(block, folder), f"{path.name}, line {block.line}"


def test_shown_output_differs_in_variable_parts_only() -> None:
    on_page = "backup.tar.gz: 1,234 bytes in 0.2 s\n...\n3 rows\n"
    assert is_shown(on_page, "backup.tar.gz: 99 bytes in 1.5 s\na\nb\n3 rows\n")
    assert is_shown(on_page, "backup.tar.gz: 99 bytes in 1.5 s\n3 rows\n")
    assert not is_shown(on_page, "backup.tar.gz: 99 bytes in 1.5 s\n4 rows\n")
    assert not is_shown(on_page, "restored\nbackup.tar.gz: 99 bytes in 1.5 s\n3 rows\n")
