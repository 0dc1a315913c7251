"""Preparation of a release: `make release`. RELEASING.md has all steps."""

import re
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from bench.results.age import old_tables
from bench.results.results_file import RESULTS, faults, read_results
from monitor.store.migrations import head_revision
from scripts.release import changelog, versions
from scripts.release.errors import ReleaseError
from scripts.release.verification import check_distribution
from scripts.release.versions import ROOT

NEXT = """{files}
Review the changes, then:
  git add --all
  git commit --message 'Release {version}'
  git tag --annotate v{version} --message 'driftwarden {version}'
  git push --follow-tags
  .venv/bin/uv publish dist/{version}/*.whl dist/{version}/*.tar.gz
"""
RELEASES = re.compile(
    r"^(RELEASES: tuple\[Release, \.\.\.\] = )\((.*?)\)\n(?=\n)", re.MULTILINE | re.DOTALL
)


def check_ready(root: Path) -> str:
    """Return the version that can be released.

    Raises:
        ReleaseError: The tree has changes, versions disagree, or the changelog lacks the entry.
    """
    if changes := _git(root, "status", "--porcelain"):
        raise ReleaseError(f"the tree has changes; commit or remove them:\n{changes}")
    version = versions.current_version(root)
    release = versions.release_of(version)
    if release == version:
        raise ReleaseError(
            f"{version} is a release already; set the next: "
            ".venv/bin/python -m scripts.release.versions 1.2.3.dev0"
        )
    if disagreements := versions.problems(root):
        raise ReleaseError(
            f"the versions disagree: {'; '.join(disagreements)}; set them: "
            f".venv/bin/python -m scripts.release.versions {version}"
        )
    if _git(root, "tag", "--list", f"v{release}"):
        raise ReleaseError(f"the tag v{release} exists: {release} was released")
    changelog.check_entry((root / "CHANGELOG.md").read_text("utf-8"), release)
    check_figures(root)
    return release


def check_figures(root: Path) -> None:
    """Check that the figures of docs/benchmarks.md are those of this code.

    Raises:
        ReleaseError: A row is older than the code that it measures, can't be measured again at its
            commit, or was changed by hand.
    """
    results = read_results(root / RESULTS.relative_to(ROOT))
    if problems := [*faults(results), *map(str, old_tables(results))]:
        listed = "\n  ".join(problems)
        raise ReleaseError(f"figures of docs/benchmarks.md; measure them again:\n  {listed}")


def prepare(root: Path, release: str) -> None:
    """Write version, date and schema of the release into the tree."""
    versions.set_version(release, root)
    path = root / "CHANGELOG.md"
    today = datetime.now(UTC).date()
    path.write_text(changelog.date_entry(path.read_text("utf-8"), release, today), "utf-8")
    add_release(root / "monitor" / "store" / "schema" / "releases.py", release, head_revision())
    _run(root, "tests.migration.dump_release", release)


def add_release(path: Path, version: str, revision: str) -> None:
    """Add a release and its revision to the list of released schemas."""
    line = f'Release("{version}", "{revision}")'
    text, n = RELEASES.subn(
        lambda match: f"{match[1]}({match[2].strip()}{line},)\n", path.read_text("utf-8")
    )
    if n != 1:
        raise ReleaseError(f"{path.name}: no RELEASES; write it as RELEASES: tuple[...] = (...)")
    path.write_text(text, encoding="utf-8")
    _run(path.parent, "ruff", "format", "--quiet", path.name)


def build(root: Path, release: str) -> list[Path]:
    """Build wheel, source distribution and bill of materials; return the first two."""
    folder = root / "dist" / release
    shutil.rmtree(folder, ignore_errors=True)
    _run(root, "hatchling", "build", "-d", str(folder))
    bill = folder / f"driftwarden-{release}.cdx.json"
    _run(root, "scripts.write_sbom", "--output", str(bill))
    files = [*folder.glob("*.whl"), *folder.glob("*.tar.gz")]
    if len(files) != 2:
        raise ReleaseError(f"not a wheel and a source distribution: {files}")
    return files


def main(root: Path = ROOT) -> int:
    """Prepare the release and check its distributions; say what is next."""
    try:
        release = check_ready(root)
        prepare(root, release)
        files = build(root, release)
        for file in files:
            with tempfile.TemporaryDirectory() as folder:
                check_distribution(file, release, Path(folder))
    except ReleaseError as error:
        sys.stderr.write(f"release: {error}\n")
        return 1
    listed = "\n".join(f"built and checked: {file.relative_to(root)}" for file in files)
    sys.stdout.write(NEXT.format(files=listed, version=release))
    return 0


def _git(root: Path, *words: str) -> str:
    command = ["git", "-C", str(root), *words]
    return subprocess.run(  # noqa: S603 - our own words
        command, check=True, capture_output=True, text=True
    ).stdout.strip()


def _run(folder: Path, module: str, *words: str) -> None:
    command = [sys.executable, "-m", module, *words]
    done = subprocess.run(  # noqa: S603 - our own words
        command, cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ReleaseError(f"{module}: {done.stdout[-1500:]}{done.stderr[-1500:]}")


if __name__ == "__main__":
    sys.exit(main())
