"""Refusals name the page on which a step can be taken before the command of the same step."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[3]
#: Folders whose refusals pages show, without those of commands.
SHOWN = ("retrain", "monitor/store/training", "monitor/review", "monitor/web")
COMMANDS = ("retrain/rollout/commands", "retrain/rollout/messages", "retrain/rollout/wording")
#: Commands of steps that a page has, too.
STEPS = re.compile(
    r"driftwarden (rollout (revert|status|history|advance|pause|resume)|experiment stop"
    r"|models (promote|rollback|reject|list)|retrain (approve|resume|list|evaluate)"
    r"|taxonomy publish|review (confirm|batch|give))\b(?!.*--(without-gate|cancel|move-items))"
)


def texts(path: Path) -> Iterator[str]:
    """Yield the texts of a module, without docstrings; what is filled in reads ``{}``."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = {
        id(part)
        for node in ast.walk(tree)
        for part in ast.iter_child_nodes(node)
        if isinstance(node, ast.JoinedStr | ast.Expr)
    }
    for node in ast.walk(tree):
        if id(node) in inside:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values
            )


def test_refusals_name_a_page_before_the_command() -> None:
    names_page = {
        f"{path.relative_to(ROOT)}: {text}": "page" in text[: match.start()]
        for folder in SHOWN
        for path in sorted((ROOT / folder).rglob("*.py"))
        if not path.relative_to(ROOT).as_posix().startswith(COMMANDS)
        for text in texts(path)
        if (match := STEPS.search(text))
    }
    assert len(names_page) >= 10
    assert [text for text, is_named in names_page.items() if not is_named] == []
