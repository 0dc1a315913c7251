"""Bounds of what a chat template, which comes with a model or a recipe, may compute.

Its sandbox keeps it from code and files, and not from loops without end or texts without measure.
"""

import functools
import re
import threading
import time
from collections.abc import Callable
from typing import Any

from jinja2 import Template, nodes
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

#: Loop iterations and calls of one rendering.
MAX_STEPS = 1_000_000
#: Characters and list entries that one rendering makes, the passing ones included.
MAX_SIZE = 64_000_000
MAX_SECONDS = 10.0
#: Largest exponent, and largest width or precision of a format.
_MAX_POWER = 1_000
_WIDE_FORMAT = re.compile(r"\d{6}")


class Budget(threading.local):
    """The remaining steps, size and time of the rendering in this thread."""

    steps = 0
    size = 0
    ends_at = 0.0

    def begin(self) -> None:
        """Start a rendering."""
        self.steps, self.size = MAX_STEPS, MAX_SIZE
        self.ends_at = time.monotonic() + MAX_SECONDS

    def take(self, size: int = 0) -> None:
        """Take a step that makes ``size`` characters or entries.

        Raises:
            SecurityError: Nothing is left.
        """
        self.steps -= 1
        self.size -= size
        if self.steps < 0:
            raise SecurityError(f"the chat template takes more than {MAX_STEPS:,} steps")
        if self.size < 0:
            raise SecurityError(f"the chat template makes more than {MAX_SIZE:,} characters")
        if time.monotonic() > self.ends_at:
            raise SecurityError(f"the chat template takes more than {MAX_SECONDS:g} seconds")


class BoundedTemplate(Template):
    """A template of which each rendering has a budget of its own."""

    def new_context(self, *args: Any, **options: Any) -> Any:
        """Return the variables of a rendering that begins."""
        self.environment.budget.begin()  # type: ignore[attr-defined]
        return super().new_context(*args, **options)


class _Filters(dict[str, Callable[..., Any]]):
    def __init__(self, filters: dict[str, Callable[..., Any]], budget: Budget) -> None:
        self._budget = budget
        super().__init__()
        for name, function in filters.items():
            self[name] = function

    def __setitem__(self, name: str, function: Callable[..., Any]) -> None:
        @functools.wraps(function)  # it keeps whether jinja passes the environment
        def bounded(*args: Any, **options: Any) -> Any:
            self._budget.take(_possible_size(name, args, options))
            return _measured(self._budget, function(*args, **options))

        super().__setitem__(name, bounded)


class BoundedEnvironment(ImmutableSandboxedEnvironment):
    """The sandbox of chat templates, with a budget of steps, characters and seconds."""

    template_class = BoundedTemplate
    intercepted_binops = frozenset({"*", "**", "+", "%"})

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.budget = Budget()
        self.filters = _Filters(self.filters, self.budget)
        del self.globals["lipsum"]

    def _parse(self, *args: Any) -> nodes.Template:
        parsed: nodes.Template = _Bounds(self).visit(super()._parse(*args))
        return parsed

    def call(self, *args: Any, **options: Any) -> Any:
        """Call a function, a method or a macro of a template; ``args`` begins with the context."""
        function, values = args[1], args[2:]
        if function in (self.step, self.written, self.joined):
            return function(*values)
        method = getattr(function, "__wrapped__", function)  # the sandbox's own str.format
        own = getattr(method, "__self__", None)
        values = (own, *values) if isinstance(own, str | list | tuple) else values
        self.budget.take(_possible_size(getattr(function, "__name__", ""), values, options))
        return _measured(self.budget, super().call(*args, **options))

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Compute a sum, product, power or remainder."""
        size = 0
        if operator == "*":
            size = _length(left) * _length(right) if _is_long(left) or _is_long(right) else 0
        elif operator == "**" and abs(right) > _MAX_POWER:
            raise SecurityError(f"the chat template computes a power of {right}")
        elif operator == "%" and isinstance(left, str):
            values = right if isinstance(right, tuple) else (right,)
            size = _possible_size("format", (left, *values), {})
        self.budget.take(size)
        result = super().call_binop(context, operator, left, right)
        if isinstance(result, int) and result.bit_length() > MAX_SIZE // 64:
            raise SecurityError("the chat template computes a number of too many digits")
        return _measured(self.budget, result)

    def step(self, size: int) -> bool:
        """Take a step of a loop whose own text has ``size`` characters."""
        self.budget.take(size)
        return True

    def written(self, value: Any) -> Any:
        """Return a value that is written."""
        text = value if isinstance(value, str) else str(value)
        self.budget.take(len(text))
        return value

    def joined(self, *values: Any) -> str:
        """Return the texts of values, joined."""
        texts = [str(value) for value in values]
        self.budget.take(sum(map(len, texts)))
        return "".join(texts)


class _Bounds(NodeTransformer):
    """Puts the steps of a budget into a parsed template."""

    def __init__(self, environment: BoundedEnvironment) -> None:
        self._environment = environment

    def visit_For(self, node: nodes.For) -> nodes.For:  # noqa: N802 - jinja's name
        self.generic_visit(node)
        size = sum(len(text.data) for text in node.find_all(nodes.TemplateData))
        step = self._call(node, "step", [nodes.Const(size)])
        node.body.insert(0, nodes.ExprStmt(step, lineno=node.lineno))
        if node.test is not None:
            once = self._call(node, "step", [nodes.Const(0)])
            node.test = nodes.And(once, node.test, lineno=node.lineno)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Call:  # noqa: N802
        self.generic_visit(node)
        return self._call(node, "joined", node.nodes)

    def visit_Output(self, node: nodes.Output) -> nodes.Output:  # noqa: N802
        self.generic_visit(node)
        node.nodes = [
            part if isinstance(part, nodes.TemplateData) else self._call(node, "written", [part])
            for part in node.nodes
        ]
        return node

    def _call(self, at: nodes.Node, name: str, values: list[nodes.Expr]) -> nodes.Call:
        function = nodes.EnvironmentAttribute(name)
        call = nodes.Call(function, values, [], None, None, lineno=at.lineno)
        return call.set_environment(self._environment)  # type: ignore[return-value]


def bound_templates() -> None:
    """Give all chat templates of this process a budget."""
    from transformers.utils import chat_template_utils as rendering  # noqa: PLC0415 - heavy

    rendering.ImmutableSandboxedEnvironment = BoundedEnvironment


def _possible_size(name: str, args: tuple[Any, ...], options: dict[str, Any]) -> int:
    """Return the largest size of the result of a method or filter of texts and lists."""
    values = [value for value in (*args, *options.values()) if not isinstance(value, bool)]
    texts = [value for value in values if isinstance(value, str)]
    if name in ("format", "format_map") and any(map(_WIDE_FORMAT.search, texts)):
        raise SecurityError("the chat template formats a value to more than 99,999 characters")
    longest = max((value for value in values if isinstance(value, int)), default=0)
    if name == "replace" and len(texts) >= 3:
        return texts[0].count(texts[1]) * len(texts[2])
    if name in ("join", "do_join", "sync_do_join"):
        lists = [value for value in values if isinstance(value, list | tuple)]
        entries = sum(len(entry) for part in lists for entry in part if isinstance(entry, str))
        return entries + sum(map(len, texts)) * sum(map(len, lists))
    if name in ("expandtabs", "indent", "tojson"):
        return longest * max(map(_length, values), default=1)
    return longest if texts else 0


def _measured(budget: Budget, result: Any) -> Any:
    if _is_long(result):
        budget.take(len(result))
    return result


def _is_long(value: Any) -> bool:
    return isinstance(value, str | bytes | list | tuple)


def _length(value: Any) -> int:
    return len(value) if _is_long(value) else value if isinstance(value, int) else 1
