"""Every sentence that Slack may show, as its module has it: with `{}` for what is filled in."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

ROOT = Path(__file__).resolve().parents[3]
#: What incidents, messages, buttons and their replies say, and the wording that they share.
FOLDERS = (
    "monitor/alerts",
    "monitor/daemon/actions",
    "monitor/daemon/conditions",
    "monitor/rendering",
    "monitor/todo",
    "monitor/windows/findings",
    "retrain/rollout/checks/check",
    "retrain/rollout/jobs",
    "retrain/rollout/messages",
    "retrain/rollout/wording",
)
#: A module that imports one of these writes messages.
WRITERS = (
    "monitor.alerts.drift_incidents",
    "monitor.alerts.incidents",
    "monitor.alerts.messages",
    "monitor.alerts.parent_message",
)
#: They only call what writes, or print for a terminal or a page.
ELSEWHERE = ("monitor/cli", "monitor/demo", "monitor/web")


def modules() -> Iterator[Path]:
    for path in sorted([*(ROOT / "monitor").rglob("*.py"), *(ROOT / "retrain").rglob("*.py")]):
        name = path.relative_to(ROOT).as_posix()
        is_read = name.startswith(FOLDERS) or (not name.startswith(ELSEWHERE) and writes(path))
        if is_read and any(sentences(parse(path))):
            yield path


def writes(path: Path) -> bool:
    # Each worker collects this: of a thousand modules few name a writer, and only those are parsed.
    if not any(writer in path.read_text(encoding="utf-8") for writer in WRITERS):
        return False
    imports = (node for node in ast.walk(parse(path)) if isinstance(node, ast.ImportFrom))
    return any((node.module or "").startswith(WRITERS) for node in imports)


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def sentences(tree: ast.Module) -> Iterator[str]:
    """Yield the texts of a module that users read, in their order."""
    for node in ast.iter_child_nodes(tree):
        yield from _read(node)


def _read(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return  # a docstring
    if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("log."):
        return
    if isinstance(node, ast.JoinedStr):
        parts = [part.value if isinstance(part, ast.Constant) else "{}" for part in node.values]
        yield from _sentence("".join(map(str, parts)))
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                yield from _read(part.value)
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield from _sentence(node.value)
    for child in ast.iter_child_nodes(node):
        yield from _read(child)


def _sentence(text: str) -> Iterator[str]:
    words = text.replace("{}", " ").split()
    is_label = len(words) == 1 and words[0].istitle() and words[0].isalpha()
    if is_label or sum(any(map(str.isalpha, word)) for word in words) > 1:
        yield text


@pytest.mark.parametrize(
    "path", list(modules()), ids=lambda path: path.relative_to(ROOT).as_posix()
)
def test_sentences_snapshot(path: Path, snapshot: SnapshotAssertion) -> None:
    assert "\n".join(sentences(parse(path))) == snapshot


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('"""Doc of it."""\nTITLE = "Drift paused"', ["Drift paused"]),
        ("f\"{n} runs of {name if name else 'no run'} ended\"", ["{} runs of {} ended", "no run"]),
        ('log.info("not a sentence", text="of the log")', []),
        ('raise WorkflowError("it is closed")', ["it is closed"]),
        ('LABEL, key = "Acknowledge", "by_model"', ["Acknowledge"]),
    ],
)
def test_sentences_of_a_source(source: str, expected: list[str]) -> None:
    assert list(sentences(ast.parse(source))) == expected
