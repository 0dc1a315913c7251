"""The version, in all places that name it: `python -m scripts.release.versions 1.2.3` sets it."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from monitor.store.schema import releases
from scripts.release.errors import ReleaseError

ROOT = Path(__file__).resolve().parents[2]
VERSION = re.compile(r"(\d+\.\d+\.\d+)(\.dev\d+)?\Z")
#: Files with the version, each with the text before and after it.
PLACES = (
    ("pyproject.toml", '\nversion = "', '"\n'),
    ("README.md", "dist/driftwarden-", "-py3-none-any.whl"),
    ("docs/how-to/install.md", "pip install 'dist/driftwarden-", "-py3-none-any.whl"),
)
#: Files that name the release which is prepared.
RELEASE_PLACES = (
    ("deploy/kubernetes/config.toml", "driftwarden:", "-cuda"),
    ("deploy/kubernetes/kustomization.yaml", "newTag: ", "-cpu"),
)
#: The first sentence of README's section "Status".
STATUS = ("README.md", "## Status\n\n", " Every part")


def current_version(root: Path = ROOT) -> str:
    """Return the version of pyproject.toml."""
    [(_, version)] = list(_texts(root, *PLACES[0]))
    return version


def release_of(version: str) -> str:
    """Return the release that a development version prepares; of a release itself.

    Raises:
        ReleaseError: It is no version.
    """
    match = VERSION.match(version)
    if match is None:
        raise ReleaseError(f"not a version: {version!r}; write 1.2.3 or 1.2.3.dev0")
    return match[1]


def status_of(version: str) -> str:
    """Return README's sentence about a version."""
    release = release_of(version)
    if release == version:
        return f"This is version {version}."
    known = [listed.version for listed in releases.RELEASES]
    newest = f"the newest release is {known[-1]}" if known else "there is no release yet"
    return f"Version {release} is in preparation; {newest}."


def problems(root: Path = ROOT) -> list[str]:
    """Return the places that name another version than pyproject.toml."""
    version = current_version(root)
    return [
        f"{path} says {text!r}; it must say {wanted!r}"
        for place, wanted in _places(version)
        for path, text in _texts(root, *place)
        if text != wanted
    ]


def set_version(version: str, root: Path = ROOT) -> None:
    """Write a version into all places."""
    for (name, before, after), wanted in _places(version):
        path = root / name
        text = path.read_text(encoding="utf-8")
        path.write_text(_pattern(before, after).sub(lambda _, new=wanted: new, text), "utf-8")


def _places(version: str) -> Iterator[tuple[tuple[str, str, str], str]]:
    yield from ((place, version) for place in PLACES)
    yield from ((place, release_of(version)) for place in RELEASE_PLACES)
    yield STATUS, status_of(version)


def _texts(root: Path, name: str, before: str, after: str) -> Iterator[tuple[str, str]]:
    texts = _pattern(before, after).findall((root / name).read_text(encoding="utf-8"))
    yield from ((name, text) for text in texts or [""])


def _pattern(before: str, after: str) -> re.Pattern[str]:
    return re.compile(f"(?<={re.escape(before)})[^\\n]*?(?={re.escape(after)})")


if __name__ == "__main__":
    set_version(sys.argv[1])
