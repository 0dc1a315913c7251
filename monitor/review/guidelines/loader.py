"""A taxonomy from the user's repository: a Markdown file, or a folder of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from monitor.errors import TaxonomyError
from monitor.review.guidelines.front_matter import LocatedValue, make_template, parse_keys
from monitor.review.guidelines.problems import Problem, Problems
from monitor.review.guidelines.prompt_template import Template
from monitor.review.guidelines.sections import parse_sections
from monitor.review.guidelines.task_type_parser import read_task_type
from monitor.review.guidelines.taxonomy import TaskType, Taxonomy

#: In a folder: what the front matter of the others leaves open.
DEFAULTS_FILE = "_defaults.md"

_FENCE = "---"


@dataclass(frozen=True)
class Source:
    """A file of a taxonomy, front matter apart."""

    problems: Problems
    keys: Mapping[str, LocatedValue]
    body: str
    #: Number of the body's first line.
    first_line: int


def load_taxonomy(path: Path) -> Taxonomy:
    """Read a taxonomy whole.

    Args:
        path: A Markdown file with any number of task types, or a folder of such files.

    Raises:
        TaxonomyError: It doesn't hold together; the message has a line ``file:line: ...`` for each
            problem.
    """
    taxonomy, problems = read_taxonomy(path)
    if problems:
        raise TaxonomyError("\n".join(str(one) for one in problems))
    return taxonomy


def read_taxonomy(path: Path) -> tuple[Taxonomy, list[Problem]]:
    """Read what can be read of a taxonomy, and everything that is wrong with it."""
    found: list[Problem] = []
    sources = [_open(one, found) for one in _files(path, found)]
    shared: Mapping[str, LocatedValue] = {}
    default = Template()
    if sources and (len(sources) == 1 or sources[0].problems.path.name == DEFAULTS_FILE):
        shared = sources[0].keys
        default = make_template(shared, sources[0].problems)
    task_types: dict[str, TaskType] = {}
    places: dict[str, str] = {}
    for source in sources:
        _read_source(source, shared, task_types, places)
        found.extend(source.problems.found)
    if not places and not found:
        found.append(Problem(str(path), 0, "no task type; each begins with `# name: Title`"))
    ordered = {name: task_types[name] for name in sorted(task_types)}
    return Taxonomy(task_types=ordered, default_template=default), sorted(set(found))


def _files(path: Path, found: list[Problem]) -> list[Path]:
    if path.is_dir():
        files = sorted(
            (one for one in path.glob("*.md") if one.name.lower() != "readme.md"),
            key=lambda one: (one.name != DEFAULTS_FILE, one.name),
        )
        if not files:
            found.append(Problem(str(path), 0, "the folder holds no Markdown file (*.md)"))
        return files
    if not path.is_file():
        what = "no such file or folder; `driftwarden taxonomy init` writes one to begin with"
        found.append(Problem(str(path), 0, what))
        return []
    if path.suffix.lower() not in {".md", ".markdown"}:
        found.append(
            Problem(str(path), 0, "a taxonomy is a Markdown file (.md) or a folder of them")
        )
        return []
    return [path]


def _open(path: Path, found: list[Problem]) -> Source:
    problems = Problems(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        found.append(Problem(str(path), 0, f"not UTF-8: byte {error.start}"))
        return Source(problems, {}, "", 1)
    except OSError as error:
        found.append(Problem(str(path), 0, f"can't be read: {error.strerror}"))
        return Source(problems, {}, "", 1)
    lines = text.split("\n")
    if lines[0].rstrip() != _FENCE:
        return Source(problems, {}, text, 1)
    for number, line in enumerate(lines[1:], start=1):
        if line.rstrip() == _FENCE:
            keys = parse_keys("\n".join(lines[1:number]), 2, problems)
            return Source(problems, keys, "\n".join(lines[number + 1 :]), number + 2)
    problems.add(1, "the front matter is never closed; end it with a line ---")
    return Source(problems, {}, "", 1)


def _read_source(
    source: Source,
    shared: Mapping[str, LocatedValue],
    task_types: dict[str, TaskType],
    places: dict[str, str],
) -> None:
    """Add a file's task types, by their names; ``places`` has where each name was seen first."""
    problems = source.problems
    root = parse_sections(source.body, source.first_line)
    if root.markdown:
        problems.add(
            source.first_line, "text before the first task type; each begins with `# name: Title`"
        )
    for section in root.children:
        if section.level != 1:
            problems.add(
                section.line, f"{section.heading!r} stands in no task type; use `# name: Title`"
            )
            continue
        task_type = read_task_type(section, {**shared, **source.keys}, problems)
        name = section.heading.partition(": ")[0].strip().strip("`").strip()
        place = f"{problems.path}:{section.line}"
        if (first := places.setdefault(name.casefold(), place)) != place:
            problems.add(
                section.line, f"the task type {name!r} is there twice; the first is {first}"
            )
        elif task_type is not None:
            task_types[task_type.name] = task_type
