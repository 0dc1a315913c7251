"""Whether an answer was cut off: as the traffic says, or else by how its text ends."""

import re

#: What APIs say of an answer that ran into a limit, in lower case: OpenAI, TGI and vLLM ``length``;
#: Anthropic, Bedrock and Gemini ``max_tokens``; the Responses API ``max_output_tokens``; Mistral
#: ``model_length``; Anthropic ``model_context_window_exceeded``.
LIMITS = frozenset(
    {
        *("length", "max_length", "max_tokens", "max_output_tokens", "model_length", "incomplete"),
        *("max_new_tokens", "token_limit", "context_length_exceeded"),
        "model_context_window_exceeded",
    }
)

#: What a finished text ends with: a full stop of some script, a closing bracket, a code fence, or
#: a picture.
_FINISHED = re.compile(
    r"[.!?…。．！？।॥؟۔։။៕។:;：；)\]}>）」』】》\"'”’»*`|~_\u2600-\u27bf\ufe0f"  # noqa: RUF001
    r"\U0001f000-\U0001faff]\s*$"
)
#: Thai and Lao put a space where others put a full stop: nothing shows the end.
_WITHOUT_FULL_STOP = re.compile(r"[\u0e00-\u0eff]\s*$")

#: Below so many characters an answer is a label or a word, and no sentence that could be cut off.
SHORTEST_SENTENCE = 200


def cut_off(text: str) -> float:
    """Return whether a long text ends in the middle of a sentence; NaN where its script can't tell.

    Lists whose items have no full stop look cut off too.
    """
    if len(text) < SHORTEST_SENTENCE:
        return 0.0
    end = text[-20:]
    if _WITHOUT_FULL_STOP.search(end):
        return float("nan")
    return float(_FINISHED.search(end) is None)


def stopped_by_limit(finish_reason: str) -> float:
    """Return whether an API's reason for the end of an answer is a limit."""
    return float(finish_reason.casefold() in LIMITS)
