"""Tables that the code of each part reaches, by its source: a bound from above.

A node is a function, class or constant of a module. It reaches what its names refer to, a class
with all of its methods; so all queries that a part can send are in, and some that it never sends.
"""

import ast
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from monitor.store import tables

ROOT = Path(__file__).resolve().parents[2]
CHANGES = {"insert": "a", "update": "w", "delete": "d"}
#: Those whose table is the second argument, after the connection.
OF_CONNECTION = {"insert_row": "a", "insert_rows": "a", "update_row": "w"}
#: Modules of the functions that make statements of changes.
STATEMENTS = {"sqlalchemy", "monitor.store.bulk_insert", "monitor.store.rows"}
#: Tables by the names of their classes.
TABLES = {
    name: value.__tablename__
    for name, value in vars(tables).items()
    if hasattr(value, "__tablename__")
}

Node = tuple[str, str]


@dataclass
class Content:
    """The names and tables that a node refers to."""

    refers: set[Node] = field(default_factory=set)
    is_constant: bool = False
    #: Tables with the codes of their privileges.
    access: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    #: Codes of changes of a table that is a variable there.
    open_codes: set[str] = field(default_factory=set)


def reached(entries: Iterable[str], *, excluded: Iterable[str] = ()) -> dict[str, dict[str, Node]]:
    """Return the codes of each table that modules reach, each with a node that uses it.

    Args:
        entries: Folders or modules where the part begins, such as ``monitor/web``.
        excluded: Modules that the part never runs.
    """
    nodes = _nodes()
    left_out = {path.removesuffix(".py").replace("/", ".") for path in excluded}
    starts = tuple(path.removesuffix(".py").replace("/", ".") for path in entries)
    waiting = [
        node for node in nodes if any(f"{node[0]}.".startswith(f"{start}.") for start in starts)
    ]
    seen: set[Node] = set()
    codes: dict[str, dict[str, Node]] = defaultdict(dict)
    while waiting:
        node = waiting.pop()
        if node in seen or any(f"{node[0]}.".startswith(f"{module}.") for module in left_out):
            continue
        seen.add(node)
        content = nodes[node]
        for table, used in content.access.items():
            for code in used:
                codes[table].setdefault(code, node)
        waiting += [below for below in content.refers if below in nodes]
    return codes


@cache
def _nodes() -> dict[Node, Content]:
    """Return the nodes of all packages."""
    nodes: dict[Node, Content] = {}
    for folder in ("monitor", "retrain"):
        for path in (ROOT / folder).rglob("*.py"):
            module = path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
            module = module.removesuffix(".__init__")
            nodes |= _nodes_of(module, ast.parse(path.read_text("utf-8")))
    _resolve_packages(nodes)
    # A change of a variable table: of those that the node, its constants or its callers name.
    for node, content in list(nodes.items()):
        if content.open_codes and node[0] not in STATEMENTS:  # else a call names the table
            named = dict(content.access)
            for below in content.refers & nodes.keys():
                if nodes[below].is_constant:
                    named |= nodes[below].access
            if not named:
                for caller in nodes.values():
                    if node in caller.refers:
                        for table in list(caller.access):
                            caller.access[table] |= content.open_codes
            for table in named:
                content.access[table] |= content.open_codes
    return nodes


def _resolve_packages(nodes: dict[Node, Content]) -> None:
    """Let references to a name of a package lead to the module that defines it."""
    for content in nodes.values():
        content.refers = {_defining(node, nodes) for node in content.refers}


def _defining(node: Node, nodes: dict[Node, Content]) -> Node:
    for _ in range(3):
        if node in nodes:
            return node
        origin = _exports().get(node)
        if origin is None:
            return node
        node = origin
    return node


@cache
def _exports() -> dict[Node, Node]:
    """Return where a module's imported names come from."""
    exports = {}
    for folder in ("monitor", "retrain"):
        for path in (ROOT / folder).rglob("__init__.py"):
            module = path.parent.relative_to(ROOT).as_posix().replace("/", ".")
            for name, origin in _imports(ast.parse(path.read_text("utf-8"))).items():
                exports[module, name] = origin
    return exports


def _imports(tree: ast.AST) -> dict[str, Node]:
    """Return the imported names of a module, with module and name of each."""
    return {
        alias.asname or alias.name: (statement.module, alias.name)
        for statement in ast.walk(tree)
        if isinstance(statement, ast.ImportFrom) and statement.module
        for alias in statement.names
    }


def _nodes_of(module: str, tree: ast.Module) -> dict[Node, Content]:
    imports = _imports(tree)
    defined = {name: body for body in tree.body for name in _names(body)}
    nodes: dict[Node, Content] = {}
    for name, body in defined.items():
        nodes[module, name] = _content(module, body, imports, set(defined))
    return nodes


def _names(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [statement.name]
    targets = getattr(statement, "targets", [getattr(statement, "target", None)])
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _content(module: str, body: ast.stmt, imports: dict[str, Node], defined: set[str]) -> Content:
    content = Content(is_constant=isinstance(body, ast.Assign | ast.AnnAssign))
    parts = list(ast.walk(body))
    for part in parts:
        if isinstance(part, ast.Name):
            if part.id in defined:
                content.refers.add((module, part.id))
            elif part.id in imports:
                content.refers.add(imports[part.id])
                if table := _table(part, imports):
                    content.access[table].add("r")
        elif isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name):
            if part.value.id in imports:  # an attribute of a module
                content.refers.add((".".join(imports[part.value.id]), part.attr))
        elif isinstance(part, ast.Call):
            _add_change(part, content, imports)
    for part in parts:
        if isinstance(part, ast.Attribute) and part.attr == "with_for_update":
            locked = {_table(below, imports) for below in ast.walk(part.value)} - {""}
            for table in locked or set(content.access):
                content.access[table].add("w")
        elif isinstance(part, ast.Attribute) and part.attr == "on_conflict_do_update":
            everywhere = (*content.access.values(), content.open_codes)
            inserted = [codes for codes in everywhere if "a" in codes]
            for codes in inserted or content.access.values():  # else another node inserts
                codes.add("w")
    return content


def _add_change(call: ast.Call, content: Content, imports: dict[str, Node]) -> None:
    """Add the change of a call such as ``insert(Exchange)`` or ``dialect.insert(Exchange)``."""
    function = call.func
    is_table = bool(call.args) and bool(_table(call.args[0], imports))
    if isinstance(function, ast.Attribute) and (
        is_table or (isinstance(function.value, ast.Name) and function.value.id == "dialect")
    ):
        name = function.attr  # of a dialect
    elif isinstance(function, ast.Name) and (
        imports[function.id][0] in STATEMENTS if function.id in imports else is_table
    ):
        name = function.id
    else:
        return
    codes = OF_CONNECTION | CHANGES
    if name not in codes or not call.args:
        return
    target = call.args[1] if name in OF_CONNECTION else call.args[0]
    if table := _table(target, imports):
        content.access[table].add(codes[name])
    else:
        content.open_codes.add(codes[name])


def _table(expression: ast.AST, imports: dict[str, Node]) -> str:
    """Return the table of an expression: a class, or its ``__table__``."""
    if isinstance(expression, ast.Attribute) and expression.attr == "__table__":
        expression = expression.value
    if not isinstance(expression, ast.Name):
        return ""
    origin = imports.get(expression.id, ("", ""))
    return TABLES.get(origin[1], "") if origin[0].startswith("monitor.store.tables") else ""
