"""Descriptors of refusal, by the rules of refusals or by the finish reason."""

from monitor.descriptors.refusals.rule import is_refusal

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


def refusal(text: str) -> float:
    """Return whether the beginning of a response refuses, without knowledge of its prompt."""
    return float(is_refusal("", text[:MAX_CHARACTERS]))


def declined_by_api(finish_reason: str) -> float:
    """Return whether an API's finish reason is a refusal or a content filter."""
    return float(finish_reason.casefold() in DECLINED)
