"""Descriptors of refusal, by phrases in fourteen languages or by the finish reason.

A refusal declines as "I", or calls its author a machine. An apology alone isn't one:
"I'm sorry that your card was stolen" begins a helpful response.
"""

import re

from monitor.descriptors.refusals.further_phrases import CUES, PHRASES

#: A refusal stands at the beginning of a response.
MAX_CHARACTERS = 300

#: Finish reasons of responses that the model, or a filter in front of it, declined, in lower case:
#: Anthropic ``refusal``; OpenAI and Azure ``content_filter``; Bedrock
#: ``guardrail_intervened`` and ``content_filtered``; Gemini the others.
DECLINED = frozenset(
    {
        *("refusal", "content_filter", "content_filtered", "guardrail_intervened"),
        *("safety", "prohibited_content", "blocklist", "spii"),
    }
)

_REFUSALS = {
    language: (CUES[language], re.compile("|".join(phrases)))
    for language, phrases in PHRASES.items()
}


def refusal(text: str) -> float:
    """Return whether the response begins with a refusal."""
    head = text[:MAX_CHARACTERS].casefold().replace("’", "'")  # noqa: RUF001
    return float(
        any(
            any(cue in head for cue in cues) and pattern.search(head) is not None
            for cues, pattern in _REFUSALS.values()
        )
    )


def declined_by_api(finish_reason: str) -> float:
    """Return whether an API's finish reason is a refusal or a content filter."""
    return float(finish_reason.casefold() in DECLINED)
