"""Claims of a response: its sentences that state something."""

import re

from retrain.evaluation.metrics.tokens import normalise, tokens

#: The end of a sentence; excludes points in numbers, addresses and abbreviations.
_END = re.compile(r"(?<=[.!?])[\"'”»)\]]*\s+(?=\S)|(?<=[。！？؟।])|\n+")  # noqa: RUF001
_MARKUP = re.compile(r"^\s*(?:[-*•>#]+|\d{1,2}[.)])\s+")
#: Beginnings of courtesies, in normalised text.
_COURTESY = re.compile(
    r"(?:i )?hope (?:this|that|it) helps|(?:please )?(?:let me know|feel free|don't hesitate"
    r"|do not hesitate)|if you (?:have|need) (?:any|more|further)|(?:i'm|i am|i'd be|we're)?"
    r"(?: always)? ?(?:happy|glad|here) to help|thank(?:s| you)|you're welcome|(?:sure|of course"
    r"|certainly)\b|(?:hello|hi|dear)\b|(?:best|kind) regards|sincerely"
    r"|(?:ich hoffe|gern geschehen|vielen dank|danke|hallo|guten tag|sehr geehrte|mit freundlichen"
    r"|bei (?:weiteren )?fragen|natürlich\b|gerne\b)|(?:bonjour|merci|n'hésitez pas|cordialement"
    r"|bien sûr|j'espère)|(?:hola|gracias|por supuesto|espero que|no dude|saludos)"
)


def claims(response: str) -> list[str]:
    """Split a response into claims: its sentences and list items without questions.

    >>> claims("The fee is 3.5 EUR. Anything else?")
    ['The fee is 3.5 EUR.']
    """
    parts = (_MARKUP.sub("", part).strip() for part in _END.split(response))
    return [part for part in parts if tokens(part) and not part.endswith(("?", "？", "؟"))]  # noqa: RUF001


def is_courtesy(claim: str) -> bool:
    """Return whether a sentence greets, thanks or offers help."""
    return _COURTESY.match(normalise(claim)) is not None
