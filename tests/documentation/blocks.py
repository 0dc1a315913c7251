"""Blocks of code of a page of the documentation."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
#: Pages whose blocks are run.
PATHS = (
    ROOT / "README.md",
    DOCS / "tutorial.md",
    *sorted((DOCS / "how-to").glob("*.md")),
)
PROMPT = "$ "


@dataclass(frozen=True)
class Block:
    """A fence: its language, its text, and the line on which it begins."""

    language: str
    text: str
    line: int


@dataclass(frozen=True)
class Command:
    """A command of a block, with the output that the page shows; ``None``: it shows none."""

    text: str
    line: int
    output: str | None = None


@cache
def blocks_of(path: Path) -> tuple[Block, ...]:
    """Return the blocks of a page, in order; one inside a list is without its indentation."""
    tokens = MarkdownIt("commonmark").parse(path.read_text(encoding="utf-8"))
    return tuple(
        Block(token.info, token.content, token.map[0] + 1)
        for token in tokens
        if token.type in {"fence", "code_block"} and token.map
    )


@cache
def commands_of(block: Block) -> tuple[Command, ...]:
    """Return the commands of a block.

    ``sh`` has commands alone. In ``console`` each follows a prompt, and its output is below it. A
    script, which names its interpreter, is one command.
    """
    if block.language == "console":
        return tuple(_with_output(block))
    if block.text.startswith("#!"):
        return (Command(block.text, block.line),)
    return tuple(_commands(block))


def _commands(block: Block) -> Iterator[Command]:
    """Yield the shortest runs of lines that the shell takes for whole commands."""
    lines: list[str] = []
    for number, line in enumerate(block.text.splitlines(), block.line + 1):
        if not lines and (not line.strip() or line.lstrip().startswith("#")):
            continue
        lines.append(line)
        text = "\n".join(lines)
        if not line.endswith("\\") and _is_whole(text):
            yield Command(text, number - len(lines) + 1)
            lines = []
    if lines:
        raise ValueError(f"line {block.line}: the shell misses the end of: {lines[0]}")


def _with_output(block: Block) -> Iterator[Command]:
    command, number, output = "", block.line, ""
    for at, line in enumerate(block.text.splitlines(keepends=True), block.line + 1):
        if line.startswith(PROMPT):
            if command:
                yield Command(command, number, output)
            command, number, output = line.removeprefix(PROMPT).rstrip("\n"), at, ""
        else:
            output += line
    yield Command(command, number, output)


def _is_whole(text: str) -> bool:
    checked = subprocess.run(
        ["bash", "-n"], input=text, text=True, capture_output=True, check=False
    )
    return checked.returncode == 0 and "here-document" not in checked.stderr
