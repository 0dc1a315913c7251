"""Check of the tracked files, run by `make check` and pre-commit.

A checkout must work on any machine, behind any package mirror, and stay small: no host name of a
package registry, no path of somebody's machine, no large file, no conflict marker.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

MAXIMUM_BYTES = 1_000_000

#: Forbidden patterns, by description.
FORBIDDEN = {
    "a package registry's host name (registries are the user's own configuration)": re.compile(
        r"\b(pypi|pythonhosted|npmjs|yarnpkg|mvnrepository|crates|anaconda)\.(org|com|io)\b"
        r"|\brepo1?\.maven\b|\bdownload\.pytorch\b",
        re.IGNORECASE,
    ),
    "a path of one machine": re.compile(r"(?<![\w.~/-])/(work|home|Users|root|mnt)/[\w.-]+"),
    "a conflict marker": re.compile(r"^(<{7}|>{7}) "),
}


def tracked_files(root: Path) -> list[Path]:
    """List the files that are tracked, or new and not ignored."""
    # A checkout that is mounted into a container may belong to another user.
    git = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
    listed = subprocess.run(  # noqa: S603 - fixed words
        [*git, "--cached", "--others", "--exclude-standard"],
        cwd=root,
        check=True,
        capture_output=True,
    ).stdout
    files = (root / name for name in listed.decode().split("\0") if name)
    return sorted(path for path in files if path.is_file())


def problems(path: Path, name: str) -> Iterator[str]:
    """Yield the problems of a file, one line each."""
    size = path.stat().st_size
    if size > MAXIMUM_BYTES:
        yield f"{name}: {size:,} bytes, more than {MAXIMUM_BYTES:,}"
        return
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return
    for number, line in enumerate(text.splitlines(), start=1):
        for problem, pattern in FORBIDDEN.items():
            if match := pattern.search(line):
                yield f"{name}:{number}: {match.group()!r}: {problem}"


def main() -> int:
    """Print every problem; return 1 if there is one."""
    root = Path(__file__).resolve().parents[1]
    files = tracked_files(root)
    lines = [line for path in files for line in problems(path, str(path.relative_to(root)))]
    report = lines or [f"{len(files)} files: no problem found"]
    sys.stdout.write("\n".join(report) + "\n")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
