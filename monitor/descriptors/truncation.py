"""Descriptors of truncation, from the finish reason or from the end of the text."""

import re

#: Finish reasons of responses that reached a limit, in lower case: OpenAI, TGI and vLLM ``length``;
#: Anthropic, Bedrock and Gemini ``max_tokens``; the Responses API ``max_output_tokens``; Mistral
#: ``model_length``; Anthropic ``model_context_window_exceeded``.
LIMITS = frozenset(
    {
        *("length", "max_length", "max_tokens", "max_output_tokens", "model_length", "incomplete"),
        *("max_new_tokens", "token_limit", "context_length_exceeded"),
        "model_context_window_exceeded",
    }
)

#: The end of a complete text: a full stop of any script, a closing bracket, a code fence, or an
#: emoji.
_FINISHED = re.compile(
    r"[.!?…。．！？।॥؟۔։။៕។:;：；)\]}>）」』】》\"'”’»*`|~_\u2600-\u27bf\ufe0f"  # noqa: RUF001
    r"\U0001f000-\U0001faff]\s*$"
)
#: A signature: the line after a closing formula, or after a dash of two or more.
_SIGNED = re.compile(r"(?:[,，、]\s*\n|\n\s*(?:--+|[—–―]))[^\n]{1,60}$")  # noqa: RUF001
#: Thai and Lao end a sentence with a space, so that the end of a text shows nothing.
_WITHOUT_FULL_STOP = re.compile(r"[\u0e00-\u0eff]\s*$")

#: A shorter response is a label or a word, not a sentence that could be cut off.
MIN_SENTENCE_CHARACTERS = 60


def cut_off(text: str) -> float:
    """Return whether a text ends within a sentence; NaN for scripts without full stops.

    Short texts do not. A list whose items have no full stop counts too, a signature does not.
    """
    if len(text) < MIN_SENTENCE_CHARACTERS:
        return 0.0
    end = text[-20:]
    if _WITHOUT_FULL_STOP.search(end):
        return float("nan")
    return float(_FINISHED.search(end) is None and _SIGNED.search(text[-100:]) is None)


def stopped_by_limit(finish_reason: str) -> float:
    """Return whether an API's finish reason is a length limit."""
    return float(finish_reason.casefold() in LIMITS)
