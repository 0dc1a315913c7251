"""Production's prompt template: the system prompt, and the form of the response."""

import re
from collections.abc import Mapping
from typing import Literal

import msgspec

Style = Literal["direct", "chain_of_thought", "classification"]

#: Placeholders of a system prompt.
PROMPT_PLACEHOLDERS = ("task_type", "title", "correct_output", "criteria", "output_format")
RESPONSE_PLACEHOLDERS: dict[Style, tuple[str, ...]] = {
    "direct": ("answer",),
    "chain_of_thought": ("reasoning", "answer"),
    "classification": ("criteria", "answer"),
}
DEFAULT_RESPONSE: dict[Style, str] = {
    "direct": "{answer}",
    "chain_of_thought": "<think>\n{reasoning}\n</think>\n\n{answer}",
    "classification": "Criteria:\n{criteria}\n\nLabel: {answer}",
}

#: ``{name}``, or ``{{name}}`` for the literal ``{name}``. Other braces are literal.
_PLACEHOLDER = re.compile(r"\{\{([A-Za-z_]\w*)\}\}|\{([A-Za-z_]\w*)\}")


class Template(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A system prompt and the form of the response."""

    #: For conversations without one; empty: production sends none.
    system_prompt: str = ""
    style: Style = "direct"
    #: Form of the response, with ``{answer}`` and what stands before it by the style.
    response: str = "{answer}"

    @property
    def part(self) -> str:
        """The part before the final answer by the style: reasoning, criteria or nothing."""
        return {"direct": "", "chain_of_thought": "reasoning", "classification": "criteria"}[
            self.style
        ]

    def fill(self, values: Mapping[str, str]) -> str:
        """Return the system prompt with its placeholders replaced; missing values are empty."""
        return _PLACEHOLDER.sub(
            lambda match: f"{{{match[1]}}}" if match[1] else values.get(match[2], ""),
            self.system_prompt,
        )

    def split(self, text: str) -> tuple[str, str] | None:
        """Return the reasoning or criteria, and the final answer of a response.

        ``None``: a response lacks the part that the style requires. In the style "direct", a
        response without the template's form is a final answer as a whole.
        """
        match = _pattern(self.response).fullmatch(text.strip())
        if match is None:
            return None if self.part else ("", text.strip())
        parts = match.groupdict()
        part, final_answer = parts.get(self.part, "").strip(), parts["answer"].strip()
        return None if self.part and not part else (part, final_answer)

    def final_answer_in(self, text: str) -> str:
        """Return the final answer; the whole text if it doesn't have the template's form."""
        parts = self.split(text)
        return text.strip() if parts is None else parts[1]

    def write(self, part: str, final_answer: str) -> str:
        """Return the response with this reasoning or these criteria, and this final answer."""
        values = {self.part: part, "answer": final_answer}
        return _PLACEHOLDER.sub(
            lambda match: f"{{{match[1]}}}" if match[1] else values.get(match[2], ""), self.response
        )


def placeholders(text: str) -> list[str]:
    """Return the names of the placeholders in order."""
    return [match[2] for match in _PLACEHOLDER.finditer(text) if match[2]]


def _pattern(response: str) -> re.Pattern[str]:
    """Return a pattern of a response's parts, whatever the white space between them."""
    pattern, end = "", 0
    for match in _PLACEHOLDER.finditer(response):
        literal = response[end : match.start()] + (f"{{{match[1]}}}" if match[1] else "")
        pattern += _literal(literal)
        if match[2]:
            pattern += f"(?P<{match[2]}>.*?)"
        end = match.end()
    return re.compile(pattern + _literal(response[end:]), re.DOTALL)


def _literal(text: str) -> str:
    return r"\s*".join(re.escape(word) for word in re.split(r"\s+", text))
