"""The form that the answers of a task type must have."""

import json
import re
from functools import lru_cache
from typing import Any

import msgspec

_FENCED = re.compile(r"```[\w+#.-]*\s*\n(.*)\n\s*```", re.DOTALL)
_FENCES = re.compile(r"^[ \t]*```", re.MULTILINE)


class FreeText(msgspec.Struct, frozen=True, tag="text"):
    """No form."""

    def violation(self, answer: str) -> str:  # noqa: ARG002 - as the others
        """Return ""."""
        return ""

    def admits(self, answer: str) -> bool:  # noqa: ARG002
        """Return true."""
        return True

    def describe(self) -> str:
        """Return the form in words."""
        return "free text"


class JsonSchema(msgspec.Struct, frozen=True, tag="json_schema"):
    """A JSON document that fits a JSON Schema, with or without a code fence around it."""

    schema: dict[str, Any] | bool

    def violation(self, answer: str) -> str:
        """Return why an answer doesn't fit; empty where it does."""
        text = answer.strip()
        fenced = _FENCED.fullmatch(text)
        try:
            document = json.loads(fenced[1] if fenced else text, parse_constant=reject_constant)
        except (ValueError, RecursionError) as error:
            return f"it isn't JSON: {error}"
        for violation in _validator(json.dumps(self.schema)).iter_errors(document):
            return f"{violation.json_path}: {violation.message}"
        return ""

    def admits(self, answer: str) -> bool:
        """Return whether an answer is JSON and fits."""
        return not self.violation(answer)

    def describe(self) -> str:
        """Return the form in words."""
        return f"JSON by the schema {json.dumps(self.schema, ensure_ascii=False)}"


class Regex(msgspec.Struct, frozen=True, tag="regex"):
    """A text that a regular expression matches as a whole, space around it aside."""

    pattern: str

    def violation(self, answer: str) -> str:
        """Return why an answer doesn't fit; empty where it does."""
        return "" if self.admits(answer) else f"it doesn't match {self.pattern}"

    def admits(self, answer: str) -> bool:
        """Return whether the pattern matches."""
        return re.fullmatch(self.pattern, answer.strip()) is not None

    def describe(self) -> str:
        """Return the form in words."""
        return f"a text that matches {self.pattern}"


class Labels(msgspec.Struct, frozen=True, tag="labels"):
    """One of a closed set of answers; case and surrounding space don't matter."""

    labels: tuple[str, ...]

    def violation(self, answer: str) -> str:
        """Return why an answer doesn't fit; empty where it does."""
        return "" if self.admits(answer) else f"it is none of {', '.join(self.labels)}"

    def admits(self, answer: str) -> bool:
        """Return whether an answer is one of the labels."""
        return same_label(answer) in {same_label(one) for one in self.labels}

    def describe(self) -> str:
        """Return the form in words."""
        return f"one of {', '.join(self.labels)}"


class Code(msgspec.Struct, frozen=True, tag="code"):
    """A text with at least one code fence, all of them closed."""

    def violation(self, answer: str) -> str:
        """Return why an answer doesn't fit; empty where it does."""
        n_fences = len(_FENCES.findall(answer))
        if n_fences == 0:
            return "it has no code fence"
        return "" if n_fences % 2 == 0 else "a code fence isn't closed"

    def admits(self, answer: str) -> bool:
        """Return whether an answer has code fences in pairs."""
        return not self.violation(answer)

    def describe(self) -> str:
        """Return the form in words."""
        return "code in a fence"


OutputFormat = FreeText | JsonSchema | Regex | Labels | Code


def same_label(text: str) -> str:
    """Return a label without differences that don't matter."""
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
    """Refuse NaN and the infinities, which JSON doesn't have."""
    raise ValueError(f"{name} is no JSON")
