"""Check names and docstrings against docs/glossary.md: `make check` runs this.

The glossary's tables name words that a term replaces. A word in code font there is refused in
the names that Python files define and in their docstrings, unless it stands in a phrase that the
glossary allows. A docstring that opens with a relative clause ("What follows from ...") is refused
too, and so is a test's name that is a riddle ("of two that say the same one is kept").
"""

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("driftwarden", "monitor", "retrain", "bench", "tests", "scripts")
SUBWORD = re.compile(r"[a-z]+|[A-Z](?:[a-z]+|[A-Z]*(?![a-z]))")
CODE_FONT = re.compile(r"`([^`]+)`")
RELATIVE = re.compile(r"(What|Which|Where|Who|Whose|Whom)(ever)?\b")
RIDDLE = re.compile(
    r"test_(what|which|who|whose|others|(of|one|two|those)_(that|who|two|many))(ever)?_"
    r"|test_.*_(whose|whoever|whatever|(is|are)_(told|said)|(says?|tells?)_(so|how|why|nothing))(_|$)"
)


@dataclass(frozen=True)
class Vocabulary:
    """The words that a glossary replaces."""

    #: Refused in names and docstrings, each with the term to use.
    words: dict[str, str]
    #: Refused as whole names, each with what to write.
    names: dict[str, str]
    #: Phrases in which a replaced word is the right one.
    allowed: tuple[str, ...]

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """A pattern of the replaced words and their plurals."""
        words = "|".join(sorted(map(re.escape, self.words), key=len, reverse=True))
        return re.compile(rf"(?<!\w)({words})s?(?!\w)", re.IGNORECASE)


def read_glossary(text: str) -> Vocabulary:
    """Read the tables of a glossary: terms, names and allowed phrases."""
    vocabulary = Vocabulary(words={}, names={}, allowed=())
    allowed: list[str] = []
    section = ""
    for line in text.splitlines():
        if line.startswith("## "):
            section = line[3:].strip()
        if not line.startswith("| ") or line.startswith("| ---"):
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if section == "Terms":
            vocabulary.words.update(dict.fromkeys(CODE_FONT.findall(cells[2]), cells[0]))
        elif section == "Names":
            vocabulary.names.update(dict.fromkeys(CODE_FONT.findall(cells[0]), cells[1]))
        elif section == "Allowed phrases":
            allowed += CODE_FONT.findall(cells[0])
    return Vocabulary(vocabulary.words, vocabulary.names, tuple(allowed))


def defined_names(nodes: Iterable[ast.AST]) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of each name that a module's nodes define."""
    for node in nodes:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.lineno, node.name
            case ast.arg():
                yield node.lineno, node.arg
            case ast.Name(ctx=ast.Store()):
                yield node.lineno, node.id
            case ast.Attribute(ctx=ast.Store()):
                yield node.lineno, node.attr


def docstrings(nodes: Iterable[ast.AST]) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of each docstring."""
    for node in nodes:
        if isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            text = ast.get_docstring(node)
            if text:
                yield getattr(node, "lineno", 1), text


def check_source(source: str, vocabulary: Vocabulary) -> Iterator[tuple[int, str]]:
    """Yield line and mend of each name and docstring with a replaced word, or a relative clause."""
    nodes = list(ast.walk(ast.parse(source)))
    texts = list(docstrings(nodes))
    for line, text in texts:
        if RELATIVE.match(text):
            yield (
                line,
                f"a relative clause: “{text.splitlines()[0][:60]}”; open with a noun or verb",
            )
    for line, name in defined_names(nodes):
        if RIDDLE.match(name):
            yield line, f"the name `{name}`; say unit, condition and expectation"
        if name in vocabulary.names:
            yield line, f"the name `{name}`; write {vocabulary.names[name]}"
        texts.append((line, " ".join(SUBWORD.findall(name))))
    for line, text in texts:
        for word in sorted(replaced_words(text, vocabulary)):
            yield line, f"`{word}` in “{text.splitlines()[0][:60]}”; write {vocabulary.words[word]}"


def replaced_words(text: str, vocabulary: Vocabulary) -> set[str]:
    """Return the replaced words of a text, outside the allowed phrases."""
    if not vocabulary.pattern.search(text):
        return set()
    for phrase in vocabulary.allowed:
        text = re.sub(re.escape(phrase), "", text, flags=re.IGNORECASE)
    return {match.group(1).lower() for match in vocabulary.pattern.finditer(text)}


def main() -> int:
    """Check the files or folders that are named, or all."""
    vocabulary = read_glossary((ROOT / "docs" / "glossary.md").read_text(encoding="utf-8"))
    roots = [Path(name).resolve() for name in sys.argv[1:]] or [ROOT / name for name in FOLDERS]
    n_problems = 0
    for root in roots:
        for path in sorted(root.rglob("*.py")) if root.is_dir() else [root]:
            for line, problem in check_source(path.read_text(encoding="utf-8"), vocabulary):
                sys.stderr.write(f"{path.relative_to(ROOT)}:{line}: {problem}\n")
                n_problems += 1
    return 1 if n_problems else 0


if __name__ == "__main__":
    sys.exit(main())
