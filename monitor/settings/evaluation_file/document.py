"""YAML document whose values know their lines."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

import yaml

from monitor.errors import ConfigurationError


@dataclass(frozen=True)
class FileEntry:
    """A value of a document; reading it raises :class:`ConfigurationError` with file and line."""

    node: yaml.Node
    origin: str
    #: Its path in the document, such as ``evaluation.benchmarks[0].name``.
    path: str = ""

    @property
    def line(self) -> int:
        """Its line, from 1."""
        return int(self.node.start_mark.line) + 1

    def error(self, message: str) -> ConfigurationError:
        """Return an error that names file, line and key."""
        where = f"{self.path}: " if self.path else ""
        return ConfigurationError(f"{self.origin}, line {self.line}: {where}{message}")

    def mapping(self, known: Sequence[str] | None = None) -> dict[str, "FileEntry"]:
        """Read a mapping; an unknown or repeated key is an error with its line."""
        if not isinstance(self.node, yaml.MappingNode):
            raise self.error(f"must be a mapping, not {_kind(self.node)}")
        entries: dict[str, FileEntry] = {}
        for key_node, value_node in self.node.value:
            key = FileEntry(key_node, self.origin, self.path).text()
            value = FileEntry(value_node, self.origin, f"{self.path}.{key}" if self.path else key)
            at_key = FileEntry(key_node, self.origin, value.path)
            if known is not None and key not in known:
                close = difflib.get_close_matches(key, known, n=1)
                hint = f"; did you mean {close[0]!r}?" if close else ""
                raise at_key.error(f"unknown key{hint} Known here: {', '.join(known)}")
            if key in entries:
                raise at_key.error("repeated key")
            entries[key] = value
        return entries

    def items(self) -> list["FileEntry"]:
        """Read a list."""
        if not isinstance(self.node, yaml.SequenceNode):
            raise self.error(f"must be a list, not {_kind(self.node)}")
        return [
            FileEntry(node, self.origin, f"{self.path}[{number}]")
            for number, node in enumerate(self.node.value)
        ]

    def text(self) -> str:
        """Read a non-empty text."""
        node = self._plain_value("a text")
        if node.tag != "tag:yaml.org,2002:str" or not str(node.value).strip():
            raise self.error(f"must be a text, not {node.value!r}")
        return str(node.value).strip()

    def texts(self) -> tuple[str, ...]:
        """Read a list of distinct texts."""
        texts = tuple(entry.text() for entry in self.items())
        for entry, text in zip(self.items(), texts, strict=True):
            if texts.count(text) > 1:
                raise entry.error(f"repeated: {text!r}")
        return texts

    def number(self) -> float:
        """Read a number."""
        node = self._plain_value("a number")
        if node.tag not in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float"):
            raise self.error(f"must be a number, not {node.value!r}")
        try:
            return float(node.value)
        except ValueError:  # octal, hexadecimal, sexagesimal
            raise self.error(f"must be a decimal number, not {node.value!r}") from None

    def count(self, minimum: int = 1) -> int:
        """Read a whole number of at least ``minimum``."""
        value = self.number()
        if not value.is_integer() or value < minimum:
            raise self.error(f"must be a whole number of at least {minimum}, not {value:g}")
        return int(value)

    def boolean(self) -> bool:
        """Read true or false."""
        node = self._plain_value("true or false")
        if node.tag != "tag:yaml.org,2002:bool":
            raise self.error(f"must be true or false, not {node.value!r}")
        return str(node.value).lower() in ("true", "yes", "on")

    @property
    def is_number(self) -> bool:
        """Whether it is a number."""
        return self.node.tag in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")

    @property
    def is_list(self) -> bool:
        """Whether it is a list."""
        return isinstance(self.node, yaml.SequenceNode)

    def _plain_value(self, wanted: str) -> yaml.ScalarNode:
        if not isinstance(self.node, yaml.ScalarNode):
            raise self.error(f"must be {wanted}, not {_kind(self.node)}")
        return self.node


def read_document(content: str, origin: str) -> FileEntry:
    """Parse a YAML document.

    Raises:
        ConfigurationError: The content is malformed, empty, or more than one document.
    """
    try:
        node = yaml.compose(content, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f", line {mark.line + 1}" if mark else ""
        raise ConfigurationError(f"{origin}{line}: not valid YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{origin}: not valid YAML: {error}") from None
    except RecursionError:
        raise ConfigurationError(f"{origin}: nested too deeply; remove brackets") from None
    if node is None:
        raise ConfigurationError(f"{origin}: empty; it must have `evaluation:`")
    return FileEntry(node, origin)


def _kind(node: yaml.Node) -> str:
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    return "a list" if isinstance(node, yaml.SequenceNode) else repr(node.value)
