"""The release: what is refused, what is written, and the documented procedure."""

import re
import shlex
import subprocess
from datetime import date
from importlib.util import find_spec
from pathlib import Path

import pytest

from bench.results.measured_code import present_code
from bench.results.measurements import measurement_of_table
from bench.results.origin import WITH_CHANGES, Origin
from bench.results.results_file import Result, write_results
from monitor.store.schema import releases
from monitor.store.schema.releases import Release
from scripts.release import __main__ as release
from scripts.release import changelog, versions
from scripts.release.errors import ReleaseError

ROOT = Path(__file__).resolve().parents[3]
FILES = [place[0] for place in (*versions.PLACES, *versions.RELEASE_PLACES)]
#: Programs of the procedure beside make and Python.
KNOWN = {
    *(f"git {verb}" for verb in ("add", "clean", "commit", "diff", "push", "restore", "tag")),
    ".venv/bin/uv publish",
}
ENTRY = "## [Unreleased]\n\n## [1.2.0] - in preparation\n\nThe first release.\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a clean repository with the files that name the version 1.2.0.dev0."""
    for name in {*FILES, "CHANGELOG.md"}:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text((ROOT / name).read_text("utf-8"), "utf-8")
    (tmp_path / "CHANGELOG.md").write_text(ENTRY)
    versions.set_version("1.2.0.dev0", tmp_path)
    git(tmp_path, "init", "--quiet")
    commit(tmp_path)
    return tmp_path


def git(folder: Path, *words: str) -> None:
    author = ("-c", "user.name=Ann", "-c", "user.email=ann@example.org", "-c", "commit.gpgsign=0")
    subprocess.run(["git", *author, *words], cwd=folder, check=True, capture_output=True)


def commit(folder: Path) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--no-verify", "--message", "x")


def test_all_places_name_one_version() -> None:
    assert versions.problems() == []


def test_newest_entry_is_of_this_or_the_last_release() -> None:
    unreleased, newest, *_ = changelog.sections((ROOT / "CHANGELOG.md").read_text("utf-8"))
    present = versions.release_of(versions.current_version())
    known = {present, *(row.version for row in releases.RELEASES[-1:])}
    assert unreleased == "[Unreleased]"
    assert newest.partition("]")[0].lstrip("[") in known


def test_a_clean_tree_with_an_entry_is_ready(tree: Path) -> None:
    assert release.check_ready(tree) == "1.2.0"


def test_a_dirty_tree_is_refused(tree: Path) -> None:
    (tree / "stray.txt").write_text("x")
    with pytest.raises(ReleaseError, match=r"(?s)the tree has changes.*stray\.txt"):
        release.check_ready(tree)


@pytest.mark.parametrize("name", [*FILES[1:], "status"])
def test_versions_that_disagree_are_refused(tree: Path, name: str) -> None:
    path = tree / ("README.md" if name == "status" else name)
    before = "Version 1.2.0 is" if name == "status" else "1.2.0"
    text = path.read_text("utf-8")
    assert before in text
    path.write_text(text.replace(before, before.replace("1.2.0", "1.1.0")), "utf-8")
    commit(tree)
    with pytest.raises(ReleaseError, match=f"the versions disagree: {path.relative_to(tree)}"):
        release.check_ready(tree)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (ENTRY.replace("1.2.0", "1.1.0"), "no entry"),
        (ENTRY.replace("The first release.", "<!-- to be written -->"), "no entry"),
        (ENTRY.replace("in preparation", "2026-12-01"), "no entry"),
        (ENTRY.replace("## [1.2.0]", "- a change\n\n## [1.2.0]"), r"changes under \[Unreleased\]"),
        (ENTRY.replace("## [Unreleased]\n", ""), r"under \[Unreleased\]"),
    ],
)
def test_a_changelog_without_the_entry_is_refused(tree: Path, text: str, expected: str) -> None:
    (tree / "CHANGELOG.md").write_text(text)
    commit(tree)
    with pytest.raises(ReleaseError, match=expected):
        release.check_ready(tree)


@pytest.mark.parametrize(
    ("code", "remark", "expected"),
    [
        ("0123", "", "backup: 1 of 1 rows are old: make bench AREA=backup"),
        ("present", WITH_CHANGES, "1 measured with changes that no commit has"),
        ("typed", "", "was changed by hand"),
    ],
)
def test_figures_of_other_code_are_refused(
    tree: Path, code: str, remark: str, expected: str
) -> None:
    digest = present_code().digest(measurement_of_table("backup").code)
    origin = Origin("make bench AREA=backup", "0fafafdc", "2026-12-02", "2 cores", remark)
    result = Result("backup", {"figure": "f"}, origin, "0123" if code == "0123" else digest)
    path = tree / "bench" / "results" / "results.jsonl"
    path.parent.mkdir(parents=True)
    write_results([result if code == "typed" else result.signed()], path)
    commit(tree)
    with pytest.raises(ReleaseError, match=expected):
        release.check_ready(tree)


def test_figures_of_this_code_are_ready(tree: Path) -> None:
    digest = present_code().digest(measurement_of_table("backup").code)
    origin = Origin("make bench AREA=backup", "0fafafdc", "2026-12-02", "2 cores")
    path = tree / "bench" / "results" / "results.jsonl"
    path.parent.mkdir(parents=True)
    write_results([Result("backup", {"figure": "f"}, origin, digest).signed()], path)
    commit(tree)
    assert release.check_ready(tree) == "1.2.0"


def test_a_version_with_a_tag_is_refused(tree: Path) -> None:
    git(tree, "tag", "v1.2.0")
    with pytest.raises(ReleaseError, match=r"the tag v1\.2\.0 exists"):
        release.check_ready(tree)


def test_a_version_that_is_a_release_is_refused(tree: Path) -> None:
    versions.set_version("1.2.0", tree)
    commit(tree)
    with pytest.raises(ReleaseError, match=r"1\.2\.0 is a release already"):
        release.check_ready(tree)


def test_a_set_version_is_in_all_places(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    versions.set_version("1.2.0", tree)
    readme = (tree / "README.md").read_text("utf-8")
    assert "This is version 1.2.0." in readme
    assert "dist/driftwarden-1.2.0-py3-none-any.whl" in readme
    monkeypatch.setattr(releases, "RELEASES", (Release("1.2.0", "0001"),))
    versions.set_version("1.3.0.dev0", tree)
    readme = (tree / "README.md").read_text("utf-8")
    assert "Version 1.3.0 is in preparation; the newest release is 1.2.0." in readme
    assert "newTag: 1.3.0-cpu" in (tree / FILES[-1]).read_text("utf-8")
    assert versions.problems(tree) == []


def test_an_entry_gets_its_date_and_is_found() -> None:
    dated = changelog.date_entry(ENTRY, "1.2.0", date(2026, 12, 1))
    assert "## [1.2.0] - 2026-12-01" in dated
    assert changelog.entry(dated, "1.2.0") == "The first release."
    with pytest.raises(ReleaseError):
        changelog.entry(dated, "1.3.0")


def test_released_schemas_are_added_to_the_list(tmp_path: Path) -> None:
    path = tmp_path / "releases.py"
    path.write_text((ROOT / "monitor/store/schema/releases.py").read_text("utf-8"), "utf-8")
    known = len(releases.RELEASES)
    for number in range(3):
        release.add_release(path, f"9.{number}.0", f"000{number}")
    namespace: dict[str, tuple[Release, ...]] = {"__name__": "released"}
    exec(compile(path.read_text("utf-8"), path, "exec", dont_inherit=True), namespace)
    added = namespace["RELEASES"][known:]
    assert [(row.version, row.revision) for row in added] == [
        ("9.0.0", "0000"), ("9.1.0", "0001"), ("9.2.0", "0002"),
    ]  # fmt: skip


def commands() -> list[list[str]]:
    """Return the commands of RELEASING.md."""
    text = (ROOT / "RELEASING.md").read_text("utf-8")
    fences = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    return [shlex.split(line) for fence in fences for line in fence.splitlines() if line.strip()]


def test_steps_of_the_procedure_are_numbered_and_have_commands() -> None:
    text = (ROOT / "RELEASING.md").read_text("utf-8")
    steps = re.split(r"^(\d+)\. \*\*", text, flags=re.MULTILINE)[1:]
    assert [int(number) for number in steps[::2]] == list(range(1, len(steps) // 2 + 1))
    assert all("```sh\n" in step for step in steps[1::2])


def test_commands_of_the_procedure_exist() -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    for program, *words in commands():
        if program == "make":
            assert words[0] in targets
        elif words[0] == "-m":
            assert find_spec(words[1]) is not None, words
        else:
            assert f"{program} {words[0]}" in KNOWN


def test_printed_steps_are_those_of_the_procedure() -> None:
    printed = release.NEXT.format(files="", version="0.3.0").splitlines()
    steps = [shlex.split(line) for line in printed if line.startswith("  ")]
    assert len(steps) > 3
    documented = commands()
    places = [documented.index(step) for step in steps]
    assert places == sorted(places)
