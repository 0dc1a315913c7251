"""Refusals, by the phrases that assistants decline with in fourteen languages.

What is looked for declines in the first person, or names the speaker a machine. An apology alone is
none: "I'm sorry that your card was stolen" is the beginning of help.
"""

import re

from monitor.descriptors.refusal_phrases import CUES, PHRASES

#: An answer that declines does so at its beginning.
MAX_CHARACTERS = 300

#: What APIs say of an answer that the model, or a filter in front of it, declined to give, in lower
#: case: Anthropic ``refusal``; OpenAI and Azure ``content_filter``; Bedrock
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
    """Return whether the answer begins by declining."""
    head = text[:MAX_CHARACTERS].casefold().replace("’", "'")  # noqa: RUF001
    return float(
        any(
            any(cue in head for cue in cues) and pattern.search(head) is not None
            for cues, pattern in _REFUSALS.values()
        )
    )


def declined_by_api(finish_reason: str) -> float:
    """Return whether an API's reason for the end of an answer is that it was declined."""
    return float(finish_reason.casefold() in DECLINED)
