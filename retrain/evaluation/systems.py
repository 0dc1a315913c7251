"""The systems that answer a benchmark: candidate, incumbent, base with its prompt."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from retrain.benchmarks.benchmark import Benchmark
from retrain.evaluation.request import EvaluationRequest
from retrain.evaluation.verdict import BASE, CANDIDATE, INCUMBENT
from retrain.metrics.scoring import Responds
from retrain.models.generation import Responder
from retrain.models.source import Source

#: Loads a system when its turn comes.
Loads = Callable[[], Responds]
Conversation = Sequence[dict[str, str]]


class Prompted:
    """A responder that is told a system prompt, where a conversation doesn't bring its own."""

    def __init__(self, responder: Responds, prompt: str) -> None:
        self._responder = responder
        self._prompt = prompt

    def respond(
        self,
        conversations: Sequence[Conversation],
        progress: Callable[[int], None] | None = None,
    ) -> list[str]:
        """Answer each conversation."""
        return self._responder.respond([self._told(one) for one in conversations], progress)

    def _told(self, conversation: Conversation) -> Conversation:
        if not self._prompt or (conversation and conversation[0]["role"] == "system"):
            return conversation
        return [{"role": "system", "content": self._prompt}, *conversation]


def systems_of(request: EvaluationRequest) -> dict[str, Loads]:
    """Return how to load each system that a candidate is compared with, and itself."""
    length = request.answering.max_new_tokens

    def responder(source: Source) -> Responds:
        return Responder(
            source.base,
            source.adapter or None,
            revision="" if Path(source.base).is_dir() else source.revision,
            max_new_tokens=length,
        )

    found: dict[str, Loads] = {CANDIDATE: partial(responder, request.candidate)}
    if request.incumbent is not None:
        found[INCUMBENT] = partial(responder, request.incumbent)
    found[BASE] = lambda: Prompted(responder(request.base), request.base_prompt)
    return found


def answer_benchmarks(
    systems: Mapping[str, Loads],
    benchmarks: Sequence[Benchmark],
    progress: Callable[[str, int], None] | None = None,
) -> dict[str, dict[str, list[str]]]:
    """Ask every system every item.

    One system is loaded at a time: a device that holds one may not hold two.

    Args:
        systems: Name -> how to load it.
        benchmarks: What they are asked.
        progress: Called with the system's name and the number of answers that it added.

    Returns:
        System -> benchmark -> answers, in the order of its items.
    """
    answers: dict[str, dict[str, list[str]]] = {}
    for name, load in systems.items():
        responder = load()

        def told(n: int, name: str = name) -> None:
            if progress is not None:
                progress(name, n)

        answers[name] = {
            benchmark.name: responder.respond(
                [list(item.messages) for item in benchmark.items], told
            )
            for benchmark in benchmarks
        }
        del responder  # or its memory would be held while the next one is loaded
    return answers
