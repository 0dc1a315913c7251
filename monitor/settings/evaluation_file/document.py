"""A YAML document whose every value knows its line."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

import yaml

from monitor.errors import ConfigurationError


@dataclass(frozen=True)
class Entry:
    """A value of a document. Its readers raise :class:`ConfigurationError` with file and line."""

    node: yaml.Node
    origin: str
    #: Where it is in the document, such as ``evaluation.benchmarks[0].name``.
    path: str = ""

    @property
    def line(self) -> int:
        """Its line, from 1."""
        return int(self.node.start_mark.line) + 1

    def error(self, message: str) -> ConfigurationError:
        """Return an error that names file, line and key."""
        where = f"{self.path}: " if self.path else ""
        return ConfigurationError(f"{self.origin}, line {self.line}: {where}{message}")

    def mapping(self, known: Sequence[str] | None = None) -> dict[str, "Entry"]:
        """Read a mapping; a key that isn't known or comes twice is an error with its line."""
        if not isinstance(self.node, yaml.MappingNode):
            raise self.error(f"must be a mapping, not {_kind(self.node)}")
        found: dict[str, Entry] = {}
        for key_node, value_node in self.node.value:
            key = Entry(key_node, self.origin, self.path).text()
            value = Entry(value_node, self.origin, f"{self.path}.{key}" if self.path else key)
            at_key = Entry(key_node, self.origin, value.path)
            if known is not None and key not in known:
                close = difflib.get_close_matches(key, known, n=1)
                hint = f"; did you mean {close[0]!r}?" if close else ""
                raise at_key.error(f"unknown key{hint} Known here: {', '.join(known)}")
            if key in found:
                raise at_key.error("comes twice")
            found[key] = value
        return found

    def items(self) -> list["Entry"]:
        """Read a list."""
        if not isinstance(self.node, yaml.SequenceNode):
            raise self.error(f"must be a list, not {_kind(self.node)}")
        return [
            Entry(node, self.origin, f"{self.path}[{number}]")
            for number, node in enumerate(self.node.value)
        ]

    def text(self) -> str:
        """Read a text that isn't empty."""
        scalar = self._scalar("a text")
        if scalar.tag != "tag:yaml.org,2002:str" or not str(scalar.value).strip():
            raise self.error(f"must be a text, not {scalar.value!r}")
        return str(scalar.value).strip()

    def texts(self) -> tuple[str, ...]:
        """Read a list of different texts."""
        found = tuple(entry.text() for entry in self.items())
        for entry, text in zip(self.items(), found, strict=True):
            if found.count(text) > 1:
                raise entry.error(f"{text!r} comes twice")
        return found

    def number(self) -> float:
        """Read a number."""
        scalar = self._scalar("a number")
        if scalar.tag not in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float"):
            raise self.error(f"must be a number, not {scalar.value!r}")
        try:
            return float(scalar.value)
        except ValueError:  # octal, hexadecimal, sexagesimal
            raise self.error(f"must be a decimal number, not {scalar.value!r}") from None

    def count(self, least: int = 1) -> int:
        """Read a whole number of at least ``least``."""
        value = self.number()
        if not value.is_integer() or value < least:
            raise self.error(f"must be a whole number of at least {least}, not {value:g}")
        return int(value)

    def boolean(self) -> bool:
        """Read true or false."""
        scalar = self._scalar("true or false")
        if scalar.tag != "tag:yaml.org,2002:bool":
            raise self.error(f"must be true or false, not {scalar.value!r}")
        return str(scalar.value).lower() in ("true", "yes", "on")

    @property
    def is_number(self) -> bool:
        """Whether it is a number."""
        return self.node.tag in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")

    @property
    def is_list(self) -> bool:
        """Whether it is a list."""
        return isinstance(self.node, yaml.SequenceNode)

    def _scalar(self, wanted: str) -> yaml.ScalarNode:
        if not isinstance(self.node, yaml.ScalarNode):
            raise self.error(f"must be {wanted}, not {_kind(self.node)}")
        return self.node


def read_document(content: str, origin: str) -> Entry:
    """Parse one YAML document.

    Raises:
        ConfigurationError: It is malformed, empty, or more than one document.
    """
    try:
        node = yaml.compose(content, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f", line {mark.line + 1}" if mark else ""
        raise ConfigurationError(f"{origin}{line}: not valid YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{origin}: not valid YAML: {error}") from None
    if node is None:
        raise ConfigurationError(f"{origin}: is empty")
    return Entry(node, origin)


def _kind(node: yaml.Node) -> str:
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    return "a list" if isinstance(node, yaml.SequenceNode) else repr(node.value)
