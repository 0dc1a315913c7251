"""Problems of a taxonomy: line numbers and messages."""

import re
from pathlib import Path

import pytest

from monitor.errors import TaxonomyError
from monitor.review.guidelines import load_taxonomy, missing_task_types, read_taxonomy

BROKEN = sorted((Path(__file__).parents[2] / "fixtures" / "taxonomy").glob("*.md"))
VALID = """\
# fees: Questions about fees

## Input types

- A customer asks about a fee.

## Correct output

Names the fee.

## Criteria

- Accept where the fee is right.

## Edge cases

### Charged twice

```input
Why twice?
```

```output
A mistake.
```
"""


def expected(text: str) -> list[tuple[int, str]]:
    """Return the expected problems of a fixture, as `line: message`."""
    match = re.search(r"<!-- expect\n(.*?)\n-->", text, re.DOTALL)
    assert match
    lines = (line.partition(": ") for line in match[1].splitlines())
    return [(int(number), message) for number, _, message in lines]


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_read_broken_taxonomy_reports_each_problem(path: Path) -> None:
    _, problems = read_taxonomy(path)
    wanted = expected(path.read_text(encoding="utf-8"))
    assert [line for line, _ in wanted] == [problem.line for problem in problems], problems
    for (_, message), problem in zip(wanted, problems, strict=True):
        assert problem.message.replace(f"{path.parent}/", "") == message
        assert problem.path == str(path)


def test_fixtures_of_broken_taxonomies_exist() -> None:
    assert len(BROKEN) >= 40


def test_load_broken_taxonomy_lists_all_problems() -> None:
    path = next(file for file in BROKEN if file.stem == "everything-at-once")
    with pytest.raises(TaxonomyError) as caught:
        load_taxonomy(path)
    lines = str(caught.value).splitlines()
    assert len(expected(path.read_text(encoding="utf-8"))) == len(lines)
    assert all(line.startswith(f"{path}:") for line in lines)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("absent.md", None, "`driftwarden taxonomy init`"),
        ("taxonomy.txt", VALID.encode(), "no Markdown file"),
        ("bytes.md", b"# fees\n\xff", "not UTF-8 at byte 7"),
    ],
)
def test_load_other_file_is_refused(
    tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(TaxonomyError, match=re.escape(message)):
        load_taxonomy(path)


def test_load_folder_merges_its_files(tmp_path: Path) -> None:
    (tmp_path / "_defaults.md").write_text("---\nsystem_prompt: Shared.\nstyle: direct\n---\n")
    (tmp_path / "fees.md").write_text(VALID)
    own = VALID.replace("# fees", "# card_lost")
    (tmp_path / "cards.md").write_text(f"---\nsystem_prompt: Own.\n---\n{own}")
    (tmp_path / "README.md").write_text("Not a part of it.")
    taxonomy = load_taxonomy(tmp_path)
    assert list(taxonomy.task_types) == ["card_lost", "fees"]
    assert taxonomy.system_prompt_of("card_lost") == "Own."
    assert taxonomy.system_prompt_of("fees") == "Shared."
    assert taxonomy.system_prompt_of("anything else") == "Shared."

    (tmp_path / "more.md").write_text(VALID)
    with pytest.raises(TaxonomyError) as caught:
        load_taxonomy(tmp_path)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'more.md'}:1: ")
    assert "'fees'" in message
    assert message.endswith(f" {tmp_path / 'fees.md'}:1")


def test_load_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TaxonomyError, match=r"^\S+: .*\(\*\.md\)$"):
        load_taxonomy(tmp_path)


def test_version_ignores_layout_and_order(tmp_path: Path) -> None:
    path = tmp_path / "taxonomy.md"
    other = VALID.replace("# fees", "# card_lost")
    versions = []
    for text in (
        VALID + other,
        other + "\n<!-- a remark -->\n\n" + VALID,
        f"---\nstyle: direct\n---\n\n{VALID}{other}".replace("- A customer", "*   A customer"),
        VALID + other.replace("A mistake.", "Ours."),
    ):
        path.write_text(text)
        versions.append(load_taxonomy(path).version)
    assert len(set(versions[:3])) == 1
    assert versions[3] != versions[0]
    assert re.fullmatch("[0-9a-f]{64}", versions[0])


def test_task_types_missing_in_the_taxonomy_are_named(tmp_path: Path) -> None:
    path = tmp_path / "taxonomy.md"
    path.write_text(VALID)
    taxonomy = load_taxonomy(path)
    assert missing_task_types(taxonomy, ["fees"]) == ""
    missing = missing_task_types(taxonomy, ["fee", "fees"])
    assert re.search(r": fee; .*'fees'\?", missing)
    many = missing_task_types(taxonomy, [f"t{n}" for n in range(13)])
    assert many.endswith("t9 and 3 more")
