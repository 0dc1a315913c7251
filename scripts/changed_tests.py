"""Tests that a change touches, nearest first, run by `make test-changed`.

A test file is as near to a change as the shortest chain of imports between them. grimp, which
import-linter brings, builds the graph, imports within functions included. Names in texts are added
to it: a module in a string (`"monitor.cli.init:init"`), a template, page, fixture or settings file
that code names, a snapshot beside its test. Tests that read the sources themselves always run.

Through the composition root chains reach nearly every test. So files are taken by distance, cheap
ones first, until their estimated time fills the limit; those beyond are counted, and are left to
`make test`. pytest-picked runs only test files that changed themselves. pytest-testmon has to trace
every run into a database, and sees neither child processes nor templates.
"""

import argparse
import re
import subprocess
import sys
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from itertools import accumulate
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("driftwarden", "monitor", "retrain", "bench", "tests")
MODULE = re.compile(rf"""["']((?:{"|".join(PACKAGES)})(?:\.\w+)+)(?=["':])""")
#: Texts that name files: code, templates and what these load.
NAMING = {".py", ".html", ".js", ".css"}
TEST = re.compile(r"tests/.*/test_\w+\.py")
FILE = re.compile(r"""["']([\w./-]*[\w-]\.[a-z]\w*)["']""")
FOLDER = re.compile(r"""(?:/ |packaged_file\()["']([\w./-]+)["']""")
#: Words of a path that say nothing about its subject.
COMMON = {*PACKAGES, "test", "template", "doc", "py", "html", "md"}
#: What a test has that reads sources or folders of documents instead of importing modules.
READS_SOURCES = re.compile(r"\*\.(?:py|md)\"|page_folders\(|iter_modules|walk_packages|ls-files")
#: Processor seconds of a test function, in the mean of each folder.
SECONDS = {"unit": 0.05, "statistics": 0.4, "integration": 0.3, "migration": 0.5}
SECONDS_ELSEWHERE = 2.0
#: The distance of modules whose names tests may share.
NEAR = 2
#: A second worker takes seconds to start.
LONG = 15
#: pytest's exit status where no test is left.
NO_TESTS = 5


class Dependents:
    """The files that import or name each file, as paths from the root."""

    def __init__(self, tracked: Iterable[str]) -> None:
        self.tracked = sorted(tracked)
        self._of: defaultdict[str, set[str]] = defaultdict(set)
        self._of_folder: defaultdict[str, set[str]] = defaultdict(set)
        self._reading_sources: set[str] = set()
        self._files = self._read_imports()
        self._read_names()

    def distances(self, changed: Iterable[str]) -> dict[str, int]:
        """Return the length of the shortest chain from a change to each file that it reaches."""
        distances = dict.fromkeys(changed, 0)
        queue = deque(distances)
        distances |= dict.fromkeys(self._reading_sources.difference(distances), 1)
        while queue:
            path = queue.popleft()
            near = self._of[path] if distances[path] else self._dependents(path)
            # A conftest imports for fixtures that few tests below it use.
            for dependent in () if distances[path] and path.endswith("/conftest.py") else near:
                if dependent not in distances:
                    distances[dependent] = distances[path] + 1
                    queue.append(dependent)
        return distances

    def _dependents(self, path: str) -> set[str]:
        """Return what depends on a changed file; of one that nothing names, its folder's users."""
        name = PurePosixPath(path)
        if name.name == "conftest.py":
            return {
                file for file in self.tracked if PurePosixPath(file).is_relative_to(name.parent)
            }
        if name.parent.name == "__snapshots__":
            return {str(name.parents[1] / f"{name.stem}.py")}
        if path in self._files.values():
            return self._of[path]
        folders = [*name.parents][:-1]
        users = next((users for f in folders if (users := self._of_folder[f.name])), set())
        neighbours = {f for f in self._files.values() if PurePosixPath(f).parent in folders[:2]}
        return self._of[path] | users | neighbours

    def _read_imports(self) -> dict[str, str]:
        """Return the file of each module."""
        # Tests are a namespace package: another checkout on the path would be merged into it.
        sys.path[:] = [
            str(ROOT),
            *(p for p in sys.path if not (Path(p) / "monitor" / "daemon").is_dir()),
        ]
        import grimp  # noqa: PLC0415 - finds modules by the path

        graph = grimp.build_graph(*PACKAGES, cache_dir=None)
        modules = {
            path.removesuffix(".py").removesuffix("/__init__"): path for path in self.tracked
        }
        files = {m: modules[p] for m in graph.modules if (p := m.replace(".", "/")) in modules}
        for module, path in files.items():
            for imported in graph.find_modules_directly_imported_by(module):
                self._of[files.get(imported, "")].add(path)
        return files

    def _read_names(self) -> None:
        data_files = defaultdict(list)
        for path in set(self.tracked).difference(self._files.values()):
            data_files[PurePosixPath(path).name].append(path)
        for path in self.tracked:
            if PurePosixPath(path).suffix not in NAMING:
                continue
            text = (ROOT / path).read_text(encoding="utf-8")
            for module in MODULE.findall(text):
                self._of[self._files.get(module, "")].add(path)
            for name in FILE.findall(text):
                for named in data_files.get(PurePosixPath(name).name, ()):
                    if f"/{named}".endswith(f"/{name.lstrip('./')}"):
                        self._of[named].add(path)
            if path.startswith("tests/unit/") and READS_SOURCES.search(text):
                self._reading_sources.add(path)
            for folder in FOLDER.findall(text):
                self._of_folder[PurePosixPath(folder).name].add(path)


def changed_files(base: str) -> list[str]:
    """Return the files that differ from those of the merge base, new and deleted ones included."""
    merged = _git("merge-base", base or "origin/main", "HEAD", check=bool(base))
    new = _git("ls-files", "--others", "--exclude-standard")
    return sorted({*_git("diff", "--name-only", *(merged or ["HEAD"])), *new})


def present_files() -> list[str]:
    """Return the files that are tracked, or new and not ignored."""
    listed = _git("ls-files", "--cached", "--others", "--exclude-standard")
    return [path for path in listed if (ROOT / path).is_file()]


def nearest(distances: Mapping[str, int], limit: float) -> tuple[list[str], list[str]]:
    """Return the test files to run and those beyond the limit, the nearest ones first.

    A test is nearer by what it has in common with the changed file, or with one that is up to two
    steps away: a page's test comes before others that reach its module through the application. A
    test that changed itself runs whatever it takes.
    """
    tests = [path for path in distances if TEST.fullmatch(path)]
    seconds = {path: estimate(path) for path in tests}
    subjects = [
        (words(path), words(PurePosixPath(path).stem), distance)
        for path, distance in distances.items()
        if distance <= NEAR and not TEST.fullmatch(path)
    ]

    def steps(test: str) -> int:
        own = words(test)
        shared = (len(own & path) + len(own & name) - away for path, name, away in subjects)
        return distances[test] and distances[test] - max(shared, default=0)

    order = {path: (distances[path] > 0, steps(path), seconds[path], path) for path in tests}
    ordered = sorted(tests, key=order.__getitem__)
    total = accumulate(seconds[path] for path in ordered)
    fitting = [path for path, spent in zip(ordered, total, strict=True) if spent <= limit]
    chosen = fitting + [path for path in ordered[len(fitting) :] if distances[path] == 0]
    return chosen, ordered[len(chosen) :]


def words(path: str) -> set[str]:
    """Return the words of a path, in the singular, but those that most paths have."""
    return {word.removesuffix("s") for word in re.findall(r"[a-z]+", path.lower())} - COMMON


def estimate(path: str) -> float:
    """Return the processor seconds that a test file takes, by its folder."""
    functions = len(re.findall(r"^ *(?:async )?def test_", (ROOT / path).read_text(), re.MULTILINE))
    return functions * SECONDS.get(path.split("/")[1], SECONDS_ELSEWHERE)


def main() -> int:
    """Run the tests, and say how many files are left out; return pytest's exit status."""
    parser = argparse.ArgumentParser(description="Run the tests that a change touches.")
    parser.add_argument("--base", default="", help="commit or branch to compare with")
    parser.add_argument("--limit", type=float, default=60, help="estimated processor seconds")
    parser.add_argument("--list", action="store_true", help="print the files instead")
    options, arguments = parser.parse_known_args()
    changed = changed_files(options.base)
    distances = Dependents(present_files()).distances(changed)
    chosen, left = nearest(distances, options.limit)
    sys.stdout.write(f"{len(changed)} files changed, {len(chosen)} files of tests to run\n")
    if options.list:
        sys.stdout.writelines(f"{distances[path]} {path}\n" for path in chosen)
    if options.list or not chosen:
        return 0
    is_long = sum(map(estimate, chosen)) > LONG
    workers = ["-n2", "--dist=loadfile", "--no-loadscope-reorder"] if is_long else []
    command = [sys.executable, "-m", "pytest", *workers, *arguments, *chosen]
    status = subprocess.call(command, cwd=ROOT)  # noqa: S603 - our own files
    sys.stdout.write(f"{len(left)} files of tests are farther from the change: `make test`\n")
    return 0 if status == NO_TESTS else status


def _git(*arguments: str, check: bool = True) -> list[str]:
    command = ["git", *arguments]
    done = subprocess.run(  # noqa: S603 - names of commits and options
        command, cwd=ROOT, check=check, capture_output=True, text=True
    )
    return done.stdout.splitlines()


if __name__ == "__main__":
    raise SystemExit(main())
