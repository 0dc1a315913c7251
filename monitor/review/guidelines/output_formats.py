"""Output formats of task types, and the check of a response against them."""

import json
import re
from functools import lru_cache
from typing import Any

import msgspec

_FENCED = re.compile(r"```[\w+#.-]*\s*\n(.*)\n\s*```", re.DOTALL)
_FENCES = re.compile(r"^[ \t]*```", re.MULTILINE)


class _Format(msgspec.Struct, frozen=True):
    """A format that a response has where nothing violates it."""

    def violation(self, response: str) -> str:
        """Return why a response doesn't have the format; empty if it does."""
        raise NotImplementedError

    def admits(self, response: str) -> bool:
        """Return whether a response has the format."""
        return not self.violation(response)


class FreeText(_Format, frozen=True, tag="text"):
    """Any text."""

    def violation(self, response: str) -> str:  # noqa: ARG002 - the interface of all formats
        """Return ""."""
        return ""

    def describe(self) -> str:
        """Return a description for a system prompt."""
        return "free text"


class JsonSchema(_Format, frozen=True, tag="json_schema"):
    """A JSON document that matches a JSON Schema, with or without a code fence."""

    schema: dict[str, Any] | bool

    def violation(self, response: str) -> str:
        """Return why a response doesn't have the format; empty if it does."""
        text = response.strip()
        fenced = _FENCED.fullmatch(text)
        try:
            document = json.loads(fenced[1] if fenced else text, parse_constant=reject_constant)
        except (ValueError, RecursionError) as error:
            return f"not valid JSON: {error}"
        for violation in _validator(json.dumps(self.schema)).iter_errors(document):
            return f"{violation.json_path}: {violation.message}"
        return ""

    def describe(self) -> str:
        """Return a description for a system prompt."""
        return f"JSON by the schema {json.dumps(self.schema, ensure_ascii=False)}"


class Regex(_Format, frozen=True, tag="regex"):
    """A text that a regular expression matches entirely, except for surrounding white space."""

    pattern: str

    def violation(self, response: str) -> str:
        """Return why a response doesn't have the format; empty if it does."""
        match = re.fullmatch(self.pattern, response.strip())
        return f"doesn't match {self.pattern}" if match is None else ""

    def describe(self) -> str:
        """Return a description for a system prompt."""
        return f"a text that matches {self.pattern}"


class Labels(_Format, frozen=True, tag="labels"):
    """One of a fixed set of labels, regardless of case and white space."""

    labels: tuple[str, ...]

    def violation(self, response: str) -> str:
        """Return why a response doesn't have the format; empty if it does."""
        labels = {same_label(label) for label in self.labels}
        return "" if same_label(response) in labels else f"none of {', '.join(self.labels)}"

    def describe(self) -> str:
        """Return a description for a system prompt."""
        return f"one of {', '.join(self.labels)}"


class Code(_Format, frozen=True, tag="code"):
    """A text with at least one code fence, all of them closed."""

    def violation(self, response: str) -> str:
        """Return why a response doesn't have the format; empty if it does."""
        n_fences = len(_FENCES.findall(response))
        if n_fences == 0:
            return "no code fence"
        return "" if n_fences % 2 == 0 else "unclosed code fence"

    def describe(self) -> str:
        """Return a description for a system prompt."""
        return "code in a fence"


OutputFormat = FreeText | JsonSchema | Regex | Labels | Code


def same_label(text: str) -> str:
    """Return a label in lower case with single spaces."""
    return " ".join(text.split()).casefold()


@lru_cache(maxsize=256)
def _validator(schema: str) -> Any:
    from jsonschema.validators import (  # noqa: PLC0415 - where a schema is used
        Draft202012Validator,
        validator_for,
    )
    from referencing import Registry  # noqa: PLC0415

    content = json.loads(schema)
    # An empty registry: nothing is fetched.
    return validator_for(content, default=Draft202012Validator)(content, registry=Registry())


def reject_constant(name: str) -> Any:
    """Refuse NaN and infinities, which JSON doesn't have."""
    raise ValueError(f"{name} is no JSON value")
