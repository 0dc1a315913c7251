"""Judges of claims that reply by a function, and responses labelled for them."""

import json
import re
from collections.abc import Callable

from retrain.evaluation.judge.labels import JudgeLabels
from retrain.evaluation.judge.verdicts import JudgedHallucination
from retrain.evaluation.metrics.measured_error import MeasuredError

_PART = re.compile(r"<<(CONTEXT|ANSWER) (\w+)>>\n(.*?)\n<<END \1 \2>>", re.DOTALL)
_SENTENCE = re.compile(r"(?<=[.!?])\s+")

#: Context and response -> reply.
Reply = Callable[[str, str], str]


class ClaimsJudge:
    """A judge with a function from context and response to a reply."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply

    def ask(self, system: str, question: str) -> str:
        parts = {name: text for name, _, text in _PART.findall(question)}
        return self._reply(parts.get("CONTEXT", ""), parts.get("ANSWER", ""))


class MeasuredJudge(JudgedHallucination):
    """A judge that was right on many labels."""

    def _measure(self) -> MeasuredError:
        return MeasuredError((10_000, 10_000), (10_000, 10_000))


def reads_the_context(context: str, response: str) -> str:
    """Reply as a judge that takes each sentence that its context lacks for an invention."""
    stated = [part for part in _SENTENCE.split(response.strip()) if any(map(str.isalnum, part))]
    declines = "know" in response or "doesn't say" in response or "can't help" in response
    supported = (declines and len(stated) <= 1) or all(part in context for part in stated)
    return f"VERDICT: {'SUPPORTED' if supported else 'UNSUPPORTED'}"


def claim_rows(n: int = 150) -> list[dict[str, str]]:
    """Return n supported and n unsupported responses, all different."""
    return [
        {
            "context": f"The fee of desk {number} is 5 EUR.",
            "question": "What is the fee?",
            "response": f"The fee of desk {number} is {5 if claims == 'supported' else 6} EUR.",
            "claims": claims,
        }
        for number in range(n)
        for claims in ("supported", "unsupported")
    ]


def claim_labels(n: int = 150) -> JudgeLabels:
    """Return the labelled responses of :func:`claim_rows`."""
    return JudgeLabels.parse("\n".join(map(json.dumps, claim_rows(n))).encode(), "labels.jsonl")
