"""Systems of an evaluation: candidate, incumbent, base model with its prompt and with examples."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path

from monitor.settings import Scoring
from monitor.store.training.candidate_results import BASE, CANDIDATE, INCUMBENT, PROMPTED
from retrain.evaluation.benchmark import Benchmark
from retrain.evaluation.earlier_responses import EarlierResponses
from retrain.evaluation.metrics.scoring import ChatModel
from retrain.evaluation.prompted import PromptedModel, few_shot_model
from retrain.evaluation.request import EvaluationRequest
from retrain.evaluation.response_cache import ResponseCache
from retrain.models.generation import Responder
from retrain.models.source import Source
from retrain.run_folder import RunFolder

#: Loads a system.
SystemLoader = Callable[[], ChatModel]


def systems_of(
    request: EvaluationRequest, benchmarks: Sequence[Benchmark], folder: RunFolder
) -> dict[str, SystemLoader]:
    """Return a loader for each system of an evaluation, including the candidate.

    The base model's few-shot form needs the run's training data.
    """
    answering: Scoring = request.answering

    def responder(source: Source) -> Responder:
        return Responder(
            source.base,
            source.adapter or None,
            revision="" if Path(source.base).is_dir() else source.revision,
            chat_template=source.chat_template,
            max_new_tokens=answering.max_new_tokens,
            dtype=answering.dtype,
        )

    matches: dict[str, SystemLoader] = {CANDIDATE: partial(responder, request.candidate)}
    if request.incumbent is not None:
        matches[INCUMBENT] = partial(responder, request.incumbent)
    matches[BASE] = lambda: PromptedModel(responder(request.base), request.base_prompt)
    if request.few_shot.examples and folder.training_data.is_file():
        matches[PROMPTED] = lambda: few_shot_model(
            responder(request.base), request, benchmarks, folder
        )
    return matches


def generate_responses(
    systems: Mapping[str, SystemLoader],
    benchmarks: Sequence[Benchmark],
    progress: Callable[[str, int], None] | None = None,
    cache: ResponseCache | None = None,
    earlier: EarlierResponses | None = None,
) -> dict[str, dict[str, list[str]]]:
    """Generate the responses of every system to every item: system -> benchmark -> responses.

    One system is loaded at a time, to save device memory. Cached responses are not generated again;
    a system with a complete cache isn't loaded.

    ``progress`` is called with the system's name and the number of new responses. New ones are
    added to ``cache``, which has those of an earlier attempt.
    """
    responses: dict[str, dict[str, list[str]]] = {}
    for name, load in systems.items():
        asking = _Asking(name, load, progress, cache, earlier)
        responses[name] = {benchmark.name: asking.ask(benchmark) for benchmark in benchmarks}
        del asking  # free its memory before the next system is loaded
    return responses


class _Asking:
    """A system that is loaded at its first prompt."""

    def __init__(
        self,
        name: str,
        load: SystemLoader,
        progress: Callable[[str, int], None] | None,
        cache: ResponseCache | None,
        earlier: EarlierResponses | None,
    ) -> None:
        self._name = name
        self._load = load
        self._progress = progress
        self._cache = cache
        self._earlier = earlier

    @cached_property
    def _responder(self) -> ChatModel:
        return self._load()

    def ask(self, benchmark: Benchmark) -> list[str]:
        known = dict(self._cache.known(self._name, benchmark.name)) if self._cache else {}
        if self._earlier is not None:
            unknown = [item for item in benchmark.items if item.id not in known]
            known |= self._earlier.known(self._name, unknown)
        open_items = [item for item in benchmark.items if item.id not in known]
        self._told(len(benchmark.items) - len(open_items))
        if open_items:
            requested = [list(item.messages) for item in open_items]
            values = self._responder.respond(requested, self._told)
            if self._cache is not None:
                self._cache.add(self._name, benchmark.name, open_items, values)
            known |= zip((item.id for item in open_items), values, strict=True)
        return [known[item.id] for item in benchmark.items]

    def _told(self, n: int) -> None:
        if n and self._progress is not None:
            self._progress(self._name, n)
