"""Digests of the code that decides the outcomes of trials.

That is the module of a trial and, through its imports, the drift statistics, the drawing of windows
and the peers; code that counts and prints can change without invalidating trials. Comments and
docstrings don't count.
"""

import ast
import hashlib
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("monitor", "bench")
DECIDING = (
    "monitor/drift",
    "monitor/statistics",
    "monitor/bench/windows.py",
    "bench/drift/peers",
    "bench/drift/sections/weekly.py",
    "bench/drift/sources/traffic.py",
    "monitor/settings/drift.py",
    "monitor/descriptors",
    "monitor/windows/alarm_rule.py",
    "monitor/windows/comparison",
)
#: Hexadecimal digits of a digest.
DIGITS = 10


@cache
def code_digest(module: str) -> str:
    """Return the digest of the code that decides the outcomes of a module's trials."""
    return _digest_of(deciding_files(module))


def module_digest(module: str) -> str:
    """Return the digest of one module's code."""
    return _digest_of([_file_of(module)])


def deciding_files(module: str) -> list[Path]:
    """Return the file of a module and those of :data:`DECIDING` that it reaches by imports."""
    own = _file_of(module)
    reached, waiting = {own}, [own]
    while waiting:
        for file in _imported(waiting.pop()):
            if file not in reached and _decides(file):
                reached.add(file)
                waiting.append(file)
    return [own, *sorted(reached - {own})]


def _file_of(module: str) -> Path:
    return Path(import_module(module).__file__ or "")


def _decides(file: Path) -> bool:
    return any(file.is_relative_to(ROOT / place) for place in DECIDING)


def _imported(file: Path) -> Iterator[Path]:
    """Yield the project's files that a file imports from."""
    for node in ast.walk(_tree_of(file)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PACKAGES):
            for alias in node.names:
                yield _source_of(node.module or "", alias.name)


def _source_of(module: str, name: str) -> Path:
    """Return the file that defines a name imported from a module."""
    place = ROOT.joinpath(*module.split("."))
    if not place.is_dir():
        return place.with_suffix(".py")
    if (place / f"{name}.py").is_file():
        return place / f"{name}.py"
    for node in _tree_of(place / "__init__.py").body:
        if isinstance(node, ast.ImportFrom) and name in (alias.name for alias in node.names):
            return _source_of(node.module or "", name)
    return place / "__init__.py"


@cache
def _tree_of(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def _digest_of(files: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(syntax_without_docstrings(file.read_text(encoding="utf-8")).encode())
    return digest.hexdigest()[:DIGITS]


def syntax_without_docstrings(source: str) -> str:
    """Return the syntax tree without comments and docstrings."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                node.body = node.body[1:]
    return ast.dump(tree)
