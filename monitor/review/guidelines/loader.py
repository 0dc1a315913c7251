"""Loader of a taxonomy from a Markdown file or a folder of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from monitor.errors import TaxonomyError
from monitor.review.guidelines.front_matter import (
    FILE_KEYS,
    LocatedValue,
    make_template,
    parse_keys,
)
from monitor.review.guidelines.problems import Problem, Problems
from monitor.review.guidelines.prompt_template import Template
from monitor.review.guidelines.sections import parse_sections
from monitor.review.guidelines.task_type_parser import read_task_type
from monitor.review.guidelines.taxonomy import TaskType, Taxonomy

#: In a folder: the file whose front matter holds defaults for the others.
DEFAULTS_FILE = "_defaults.md"

_FENCE = "---"


@dataclass(frozen=True)
class GuidelineSource:
    """A file of a taxonomy, with its front matter parsed."""

    problems: Problems
    keys: Mapping[str, LocatedValue]
    body: str
    #: Number of the body's first line.
    first_line: int


def load_taxonomy(path: Path) -> Taxonomy:
    """Load a taxonomy without problems.

    The path is that of a Markdown file with any number of task types, or of a folder of such files.

    Raises:
        TaxonomyError: It has problems; the message has a line ``file:line: ...`` for each.
    """
    taxonomy, problems = read_taxonomy(path)
    if problems:
        raise TaxonomyError("\n".join(str(problem) for problem in problems))
    return taxonomy


def read_taxonomy(path: Path) -> tuple[Taxonomy, list[Problem]]:
    """Read a taxonomy as far as possible, and return it with its problems."""
    all_problems: list[Problem] = []
    sources = [_open(file, all_problems) for file in _files(path, all_problems)]
    return _merge(sources, path, all_problems)


def parse_taxonomy(text: str, name: str) -> tuple[Taxonomy, list[Problem]]:
    """Parse a taxonomy from the text of one file as far as possible; return it with its problems.

    ``name`` is the place that problems name.
    """
    path = Path(name)
    return _merge([_parse(path, text)], path, [])


def _merge(
    sources: Sequence[GuidelineSource], path: Path, all_problems: list[Problem]
) -> tuple[Taxonomy, list[Problem]]:
    shared: Mapping[str, LocatedValue] = {}
    default = Template()
    if sources and (len(sources) == 1 or sources[0].problems.path.name == DEFAULTS_FILE):
        shared = sources[0].keys
        default = make_template(shared, sources[0].problems)
    task_types: dict[str, TaskType] = {}
    places: dict[str, str] = {}
    for source in sources:
        _read_source(source, shared, task_types, places)
        all_problems.extend(source.problems.items)
    if not places and not all_problems:
        all_problems.append(Problem(str(path), 0, "no task type; begin each with `# name: Title`"))
    ordered = {name: task_types[name] for name in sorted(task_types)}
    return Taxonomy(task_types=ordered, default_template=default), sorted(set(all_problems))


def _files(path: Path, all_problems: list[Problem]) -> list[Path]:
    if path.is_dir():
        files = sorted(
            (file for file in path.glob("*.md") if file.name.lower() != "readme.md"),
            key=lambda file: (file.name != DEFAULTS_FILE, file.name),
        )
        if not files:
            all_problems.append(Problem(str(path), 0, "the folder holds no Markdown file (*.md)"))
        return files
    if not path.is_file():
        message = "no such file or folder; create one with `driftwarden taxonomy init`"
        all_problems.append(Problem(str(path), 0, message))
        return []
    if path.suffix.lower() not in {".md", ".markdown"}:
        all_problems.append(
            Problem(str(path), 0, "no Markdown file; a taxonomy is a file *.md or a folder of them")
        )
        return []
    return [path]


def _open(path: Path, all_problems: list[Problem]) -> GuidelineSource:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        all_problems.append(
            Problem(str(path), 0, f"not UTF-8 at byte {error.start}; save the file as UTF-8")
        )
        return GuidelineSource(Problems(path), {}, "", 1)
    except OSError as error:
        all_problems.append(Problem(str(path), 0, f"can't be read: {error.strerror}"))
        return GuidelineSource(Problems(path), {}, "", 1)
    return _parse(path, text)


def _parse(path: Path, text: str) -> GuidelineSource:
    problems = Problems(path)
    lines = text.split("\n")
    if lines[0].rstrip() != _FENCE:
        return GuidelineSource(problems, {}, text, 1)
    for number, line in enumerate(lines[1:], start=1):
        if line.rstrip() == _FENCE:
            keys = parse_keys("\n".join(lines[1:number]), 2, problems, known=FILE_KEYS)
            return GuidelineSource(problems, keys, "\n".join(lines[number + 1 :]), number + 2)
    problems.add(1, "unclosed front matter; end it with a line ---")
    return GuidelineSource(problems, {}, "", 1)


def _read_source(
    source: GuidelineSource,
    shared: Mapping[str, LocatedValue],
    task_types: dict[str, TaskType],
    places: dict[str, str],
) -> None:
    """Add a file's task types by name; ``places`` has the first place of each name."""
    problems = source.problems
    root = parse_sections(source.body, source.first_line)
    if root.markdown:
        problems.add(
            source.first_line, "text before the first task type; begin each with `# name: Title`"
        )
    for section in root.children:
        if section.level != 1:
            problems.add(
                section.line,
                f"{section.heading!r} is outside of a task type; begin one with `# name: Title`",
            )
            continue
        task_type = read_task_type(section, {**shared, **source.keys}, problems)
        name = section.heading.partition(": ")[0].strip().strip("`").strip()
        place = f"{problems.path}:{section.line}"
        if (first := places.setdefault(name.casefold(), place)) != place:
            problems.add(section.line, f"duplicate task type: {name!r}; the first is at {first}")
        elif task_type is not None:
            task_types[task_type.name] = task_type
