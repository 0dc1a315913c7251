"""How production queries the model: the system prompt, and whether it reasons before it answers."""

import re
from collections.abc import Mapping
from typing import Literal

import msgspec

Style = Literal["direct", "chain_of_thought"]

#: What a system prompt may name in braces.
PROMPT_PLACEHOLDERS = ("task_type", "title", "correct_output", "criteria", "output_format")
#: What an answer consists of.
ANSWER_PLACEHOLDERS: dict[Style, tuple[str, ...]] = {
    "direct": ("answer",),
    "chain_of_thought": ("reasoning", "answer"),
}
DEFAULT_ANSWER: dict[Style, str] = {
    "direct": "{answer}",
    "chain_of_thought": "<think>\n{reasoning}\n</think>\n\n{answer}",
}

#: ``{name}``, or ``{{name}}`` for the word in braces itself. Other braces stand for themselves.
_PLACEHOLDER = re.compile(r"\{\{([A-Za-z_]\w*)\}\}|\{([A-Za-z_]\w*)\}")


class Template(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the model is asked, and the form of what it says."""

    #: For conversations that carry none; empty: production sends none.
    system_prompt: str = ""
    style: Style = "direct"
    #: What the model says, with ``{answer}`` and, where it reasons first, ``{reasoning}``.
    answer: str = "{answer}"

    def fill(self, values: Mapping[str, str]) -> str:
        """Return the system prompt with its placeholders replaced; those without a value by ""."""
        return _PLACEHOLDER.sub(
            lambda found: f"{{{found[1]}}}" if found[1] else values.get(found[2], ""),
            self.system_prompt,
        )

    def split(self, text: str) -> tuple[str, str] | None:
        """Return the reasoning and the answer of what the model said.

        Returns:
            ``None`` where a text of the style "chain_of_thought" has no reasoning. A direct answer
            without the form around it is an answer.
        """
        found = _pattern(self.answer).fullmatch(text.strip())
        if found is None:
            return None if self.style == "chain_of_thought" else ("", text.strip())
        parts = found.groupdict()
        reasoning, answer = parts.get("reasoning", "").strip(), parts["answer"].strip()
        if self.style == "chain_of_thought" and not reasoning:
            return None
        return reasoning, answer

    def answer_in(self, text: str) -> str:
        """Return the answer alone; the whole text where it doesn't have the template's form."""
        parts = self.split(text)
        return text.strip() if parts is None else parts[1]

    def write(self, reasoning: str, answer: str) -> str:
        """Return what the model should say."""
        values = {"reasoning": reasoning, "answer": answer}
        return _PLACEHOLDER.sub(
            lambda found: f"{{{found[1]}}}" if found[1] else values.get(found[2], ""), self.answer
        )


def placeholders(text: str) -> list[str]:
    """Return the names in braces, in their order."""
    return [found[2] for found in _PLACEHOLDER.finditer(text) if found[2]]


def _pattern(answer: str) -> re.Pattern[str]:
    """Return what finds the parts of a text; space between them doesn't matter."""
    pattern, end = "", 0
    for found in _PLACEHOLDER.finditer(answer):
        literal = answer[end : found.start()] + (f"{{{found[1]}}}" if found[1] else "")
        pattern += _literal(literal)
        if found[2]:
            pattern += f"(?P<{found[2]}>.*?)"
        end = found.end()
    return re.compile(pattern + _literal(answer[end:]), re.DOTALL)


def _literal(text: str) -> str:
    return r"\s*".join(re.escape(word) for word in re.split(r"\s+", text))
