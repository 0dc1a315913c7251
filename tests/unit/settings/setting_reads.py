"""Reads of settings in source code: ``section.key``, also where the section has another name."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from monitor.setting_types.field_types import Section

#: Section and key.
Read = tuple[str, str]


def reads_in(source: str, sections: Mapping[str, type[Section]]) -> set[Read]:
    """Return the settings that a module reads as attributes of their section.

    An expression is a section if it ends with the section's name, or with a name that the module
    annotates with the section's class or assigns a section to.
    """
    nodes = list(ast.walk(ast.parse(source)))
    named = _named_sections(nodes, sections)
    return {
        (section, node.attr)
        for node in nodes
        if isinstance(node, ast.Attribute)
        for section in named.get(_last_name(node.value), ())
    }


def _named_sections(
    nodes: list[ast.AST], sections: Mapping[str, type[Section]]
) -> dict[str, set[str]]:
    """Return each name that stands for sections in a module."""
    of_class: dict[str, set[str]] = defaultdict(set)
    named: dict[str, set[str]] = defaultdict(set)
    for section, cls in sections.items():
        of_class[cls.__name__].add(section)
        named[section.rpartition(".")[2]].add(section)
    for name, annotation in _annotations(nodes):
        for word in re.findall(r"\w+", annotation):
            named[name] |= of_class.get(word, set())
    assigned = list(_assignments(nodes))
    for _ in range(2):  # a name of a name
        for name, value in assigned:
            named[name] |= named.get(value, set())
    return named


def _annotations(nodes: list[ast.AST]) -> Iterator[tuple[str, str]]:
    """Yield each annotated name with the text of its annotation."""
    for node in nodes:
        match node:
            case ast.arg(arg=name, annotation=ast.expr() as annotation):
                yield name, ast.unparse(annotation)
            case ast.AnnAssign(target=target, annotation=annotation):
                yield _last_name(target), ast.unparse(annotation)
            case ast.FunctionDef(name=name, returns=ast.expr() as annotation):
                yield name, ast.unparse(annotation)


def _assignments(nodes: list[ast.AST]) -> Iterator[tuple[str, str]]:
    """Yield each assigned name with the last name of the value."""
    for node in nodes:
        if isinstance(node, ast.NamedExpr):
            yield node.target.id, _last_name(node.value)
        if not isinstance(node, ast.Assign):
            continue
        for target in node.targets:
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                pairs = list(zip(target.elts, node.value.elts, strict=False))
            else:
                pairs = [(target, node.value)]
            for name, value in pairs:
                if _last_name(value):
                    yield _last_name(name), _last_name(value)


def _last_name(node: ast.AST) -> str:
    """Return the last name of ``a.b.c`` or ``a.b.c()``; empty of other expressions."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Call(func=function):
            return _last_name(function)
    return ""
