"""Share of planted faults that `make test-changed` finds, and its processor time.

`python -m tests.support.planted_faults` takes modules at random, puts one fault into each in a
worktree of its own, runs the tests that `scripts/changed_tests.py` chooses, and prints each fault
with the processor seconds and the first test that fails. A fault that no chosen test finds may be
none: whether it changes what the module does is for a reader to judge.
"""

import argparse
import ast
import os
import random
import re
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAIRS = (
    (ast.Eq, ast.NotEq),
    (ast.Lt, ast.GtE),
    (ast.LtE, ast.Gt),
    (ast.Is, ast.IsNot),
    (ast.In, ast.NotIn),
    (ast.Add, ast.Sub),
    (ast.Mult, ast.Div),
    (ast.And, ast.Or),
)
#: The operator that takes the place of each.
OPPOSITE = {**dict(PAIRS), **{second: first for first, second in PAIRS}}
Site = ast.Compare | ast.BoolOp | ast.BinOp | ast.Return


@dataclass(frozen=True)
class Outcome:
    """The outcome of the chosen tests for a fault."""

    seconds: float
    failed: str | None


def sites(tree: ast.Module) -> Iterator[Site]:
    """Yield the nodes of functions that a fault can change."""
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    for node in {id(n): n for f in functions for part in f.body for n in ast.walk(part)}.values():
        match node:
            case ast.Compare(ops=[operator, *_]) if type(operator) in OPPOSITE:
                yield node
            case ast.BinOp(op=operator, left=left) if type(operator) in OPPOSITE:
                if not isinstance(left, ast.Constant):  # a text, mostly
                    yield node
            case ast.BoolOp():
                yield node
            case ast.Return(value=ast.expr() as value) if ast.unparse(value) != "None":
                yield node


def plant(text: str, rng: random.Random) -> tuple[str, str] | None:
    """Return a module with one fault, and what was changed; ``None`` where nothing can be."""
    tree = ast.parse(text)
    nodes = sorted(sites(tree), key=lambda node: (node.lineno, node.col_offset))
    if not nodes:
        return None
    node = rng.choice(nodes)
    before = ast.unparse(node)
    match node:
        case ast.Compare():
            node.ops[0] = OPPOSITE[type(node.ops[0])]()
        case ast.Return():
            node.value = ast.Constant(None)
        case _:
            node.op = OPPOSITE[type(node.op)]()
    after = ast.unparse(node) if isinstance(node, ast.Return) else f"({ast.unparse(node)})"
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    lines = text.encode().splitlines(keepends=True)
    start = sum(map(len, lines[: node.lineno - 1])) + node.col_offset
    end = sum(map(len, lines[: node.end_lineno - 1])) + node.end_col_offset
    faulty = (text.encode()[:start] + after.encode() + text.encode()[end:]).decode()
    return faulty, f"{node.lineno}: {before} -> {after}"


def run(root: Path) -> Outcome:
    """Run the tests that the change in a checkout touches."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, root / "scripts" / "changed_tests.py", "-q", "--tb=no"],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    failed = re.search(r"^(?:FAILED|ERROR) (.+?)(?: - |$)", done.stdout, re.MULTILINE)
    # A module that can't be imported may end pytest before any test.
    status = f"status {done.returncode}" if done.returncode else None
    return Outcome(seconds, failed[1] if failed else status)


def main() -> None:
    """Plant the faults, one after the other, and print what finds them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--modules", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "checkout"
        subprocess.run(
            ["git", "worktree", "add", "--quiet", "--detach", root], cwd=ROOT, check=True
        )
        try:
            paths = [*(root / "monitor").rglob("*.py"), *(root / "retrain").rglob("*.py")]
            names = sorted(str(p.relative_to(root)) for p in paths if p.name != "__init__.py")
            random.Random(options.seed).shuffle(names)
            for name in names:
                text = (root / name).read_text(encoding="utf-8")
                fault = plant(text, random.Random(f"{options.seed}{name}"))
                if fault is None or len(outcomes) == options.modules:
                    continue
                (root / name).write_text(fault[0], encoding="utf-8")
                outcomes.append(run(root))
                (root / name).write_text(text, encoding="utf-8")
                print(f"{name}:{fault[1]}", *vars(outcomes[-1]).values(), sep="\n  ")
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", root], cwd=ROOT, check=True)
    n_found = sum(outcome.failed is not None for outcome in outcomes)
    seconds = statistics.median(outcome.seconds for outcome in outcomes)
    print(
        f"{n_found} of {len(outcomes)} faults found, {seconds:.0f} processor seconds in the median"
    )


if __name__ == "__main__":
    main()
