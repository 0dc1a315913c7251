"""Digest of the code that a measurement measures: its modules, and all that they import.

Comments, docstrings and blank lines don't count. The digest is of texts rather than commits, so
that it needs no history, and that a merge or a renamed branch makes no row old.
"""

import ast
import hashlib
import sys
from collections.abc import Iterator, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("driftwarden", "monitor", "retrain", "bench")
#: Hexadecimal digits of a digest.
DIGITS = 12
#: Folders of files that a package's modules read: templates of pages, their styles and scripts.
READ_FOLDERS = ("templates", "static")


class MeasuredCode:
    """The import graph of a checkout, and the digests of its files.

    Args:
        root: The checkout.
        packages: Its top-level packages; they must be importable from ``root``.
    """

    def __init__(self, root: Path = ROOT, packages: Sequence[str] = PACKAGES) -> None:
        self._root, self._packages = root, packages
        self._digests: dict[Path, bytes] = {}
        self._of_code: dict[tuple[str, ...], str] = {}
        self._of_module: dict[str, list[Path]] = {}

    def digest(self, code: Sequence[str]) -> str:
        """Return the digest of modules, packages and files, with all that the modules import.

        Raises:
            ValueError: There is no such module or file.
        """
        if (key := tuple(code)) not in self._of_code:
            whole = hashlib.sha256(b"".join(map(self._digest_of, self.files(code))))
            self._of_code[key] = whole.hexdigest()[:DIGITS]
        return self._of_code[key]

    def files(self, code: Sequence[str]) -> list[Path]:
        """Return the files that modules, packages and files come to.

        Raises:
            ValueError: There is no such module or file.
        """
        files = {file for name in code for file in self._files_of(name)}
        return sorted(files)

    def _files_of(self, name: str) -> Iterator[Path]:
        if (self._root / name).is_file():
            yield self._root / name
            return
        waiting = [m for m in self._graph.modules if m == name or m.startswith(f"{name}.")]
        if not waiting:
            raise ValueError(f"no module and no file: {name}; mend bench/results/measurements.py")
        modules = set(waiting)
        while waiting:
            module = waiting.pop()
            imported = set(self._graph.find_modules_directly_imported_by(module))
            if package := module.rpartition(".")[0]:
                imported.add(package)  # whose __init__ runs first
            waiting += imported - modules
            modules |= imported
        for module in modules:
            if module not in self._of_module:
                self._of_module[module] = list(self._files_of_module(module))
            yield from self._of_module[module]

    def _files_of_module(self, module: str) -> Iterator[Path]:
        place = self._root.joinpath(*module.split("."))
        if not place.is_dir():
            yield place.with_suffix(".py")
            return
        yield place / "__init__.py"
        for folder in READ_FOLDERS:
            yield from (path for path in (place / folder).rglob("*") if path.is_file())

    @cached_property
    def _graph(self) -> Any:
        # Before another checkout that is installed: grimp finds modules by the path.
        sys.path.insert(0, str(self._root))
        try:
            import grimp  # noqa: PLC0415 - only a checkout has it

            return grimp.build_graph(*self._packages, cache_dir=None)
        finally:
            sys.path.remove(str(self._root))

    def _digest_of(self, path: Path) -> bytes:
        if path not in self._digests:
            content = path.read_bytes()
            if path.suffix == ".py":
                content = "\n".join(code_lines(content.decode("utf-8"))).encode()
            self._digests[path] = hashlib.sha256(content).digest()
        return self._digests[path]


@cache
def present_code() -> MeasuredCode:
    """Return the code of this checkout, as it is when this process first reads a file."""
    return MeasuredCode()


def code_lines(source: str) -> list[str]:
    """Return the lines of Python code without comments of their own, docstrings and blank lines."""
    lines = source.splitlines()
    waiting: list[ast.AST] = [ast.parse(source)]
    while waiting:
        node = waiting.pop()
        waiting += (child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                end = first.end_lineno or first.lineno
                lines[first.lineno - 1 : end] = [""] * (end - first.lineno + 1)
    return [line.rstrip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
