"""The base model with production's prompt, and its few-shot form.

The few-shot form has examples from the run's training data as turns before the conversation, of the
item's task type where the data has some. It shows whether fine-tuning beats prompting.
"""

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from monitor.settings import Prompted
from monitor.store.training.candidate_results import PROMPTED, SYSTEM_NAMES, GateCheck
from retrain.data import read_examples
from retrain.data.example import Example, make_examples
from retrain.data.stratified_draw import draw_evenly_by_task_type
from retrain.evaluation.benchmark import Benchmark
from retrain.evaluation.metrics.scoring import ChatModel
from retrain.evaluation.request import EvaluationRequest
from retrain.run_folder import RunFolder, canonical

Conversation = Sequence[dict[str, str]]


class CountingModel(ChatModel, Protocol):
    """A chat model that counts tokens, such as :class:`retrain.models.generation.Responder`."""

    @property
    def max_prompt_tokens(self) -> int:
        """Tokens of a prompt that leave room for the response; 0: no limit is known."""

    def n_tokens(self, conversation: Conversation) -> int:
        """Return the number of tokens of a conversation."""


@dataclass(frozen=True)
class FewShot:
    """Examples in a prompt, and how many of them fit."""

    #: Task type -> examples, each its turns; ``""``: of all task types.
    examples: Mapping[str, Sequence[Conversation]]
    #: Key of a conversation -> task type of its item.
    task_types: Mapping[str, str] = field(default_factory=dict)
    #: Whether a prompt leaves room for the response.
    fits: Callable[[Conversation], bool] = lambda _: True

    def added_to(self, conversation: Conversation, prompt: Conversation) -> Conversation:
        """Return a prompt with as many examples before the first turn as fit.

        The prompt is the conversation with production's prompt.
        """
        name = self.task_types.get(_key(conversation), "")
        chosen = list(self.examples.get(name) or self.examples.get("", ()))
        head = [message for message in prompt[:1] if message["role"] == "system"]
        turns = prompt[len(head) :]
        while chosen:
            longer = [*head, *(turn for example in chosen for turn in example), *turns]
            if self.fits(longer):
                return longer
            chosen.pop()
        return prompt


class PromptedModel:
    """A responder that gets production's system prompt, before an item's own system message."""

    def __init__(self, responder: ChatModel, prompt: str, few_shot: FewShot | None = None) -> None:
        self._responder = responder
        self._prompt = prompt
        self._few_shot = few_shot

    def respond(
        self,
        conversations: Sequence[Conversation],
        progress: Callable[[int], None] | None = None,
    ) -> list[str]:
        """Return a response to each conversation."""
        return self._responder.respond([self._told(each) for each in conversations], progress)

    def _told(self, conversation: Conversation) -> Conversation:
        prompt = self._with_prompt(conversation)
        return prompt if self._few_shot is None else self._few_shot.added_to(conversation, prompt)

    def _with_prompt(self, conversation: Conversation) -> Conversation:
        if not self._prompt:
            return conversation
        if not conversation or conversation[0]["role"] != "system":
            return [{"role": "system", "content": self._prompt}, *conversation]
        own, *turns = conversation
        if self._prompt in own["content"]:
            return conversation
        return [{"role": "system", "content": f"{self._prompt}\n\n{own['content']}"}, *turns]


def missing_prompts(benchmarks: Iterable[Benchmark], prompt: str) -> list[str]:
    """Return a remark on each benchmark with items that lack a system message.

    Without production's system prompt none is missing.
    """
    if not prompt:
        return []
    remarks = []
    for benchmark in benchmarks:
        n = sum(item.messages[0]["role"] != "system" for item in benchmark.items)
        if n:
            remarks.append(
                f"{benchmark.name}: WARNING: {n} of {len(benchmark.items)} items have no system "
                "message, though production sends a system prompt: candidate and incumbent respond "
                "to them without it, the base with it"
            )
    return remarks


def few_shot_model(
    responder: CountingModel,
    request: EvaluationRequest,
    benchmarks: Sequence[Benchmark],
    folder: RunFolder,
) -> PromptedModel:
    """Return the few-shot form of the base model.

    The request has the number of examples, the seed and the system prompt.

    Raises:
        InputError: The training data can't be read.
    """
    limit = responder.max_prompt_tokens
    # The kind of example is irrelevant here.
    pool = make_examples(read_examples(folder.training_data), "gold", ())
    few_shot = FewShot(
        draw_examples(pool, request.few_shot, request.seed, responder.n_tokens),
        {
            _key(item.messages): item.task_type
            for benchmark in benchmarks
            for item in benchmark.items
        },
        lambda prompt: not limit or responder.n_tokens(prompt) <= limit,
    )
    return PromptedModel(responder, request.base_prompt, few_shot)


def draw_examples(
    pool: Sequence[Example],
    settings: Prompted,
    seed: int,
    n_tokens: Callable[[Conversation], int],
) -> dict[str, list[Conversation]]:
    """Draw the examples of each task type, and of all (``""``), repeatably from a seed.

    Examples with different responses are drawn first, so that the prompt shows several labels.
    Examples that exceed the remaining tokens are skipped.
    """
    pools: dict[str, list[Example]] = {"": list(pool)}
    for example in pool:
        if example.task_type:
            pools.setdefault(example.task_type, []).append(example)
    return {
        name: list(_affordable(_by_response(members, seed), settings, n_tokens))
        for name, members in pools.items()
    }


def check_training_data(request: EvaluationRequest, folder: RunFolder) -> list[GateCheck]:
    """Return an undecided check if the few-shot form lacks its examples; else none."""
    if not request.few_shot.examples or folder.training_data.is_file():
        return []
    return [
        GateCheck(
            f"not worse than the {SYSTEM_NAMES[PROMPTED]}",
            "undecided",
            "not compared, because the run's training data is missing; restore train.jsonl in the "
            "run's folder",
            f"responses of the base with {request.few_shot.examples} examples",
            code="not_worse_than_prompted",
        )
    ]


def _key(conversation: Conversation) -> str:
    return canonical({"messages": list(conversation)})


def _by_response(pool: Sequence[Example], seed: int) -> list[Example]:
    """Return a drawn order that has an example of each response before any second one."""
    drawn = list(draw_evenly_by_task_type(pool, random.Random(seed)))  # noqa: S311
    first: dict[str, Example] = {}
    for example in drawn:
        first.setdefault(example.response, example)
    return [*first.values(), *(e for e in drawn if first[e.response] is not e)]


def _affordable(
    drawn: Iterable[Example], settings: Prompted, n_tokens: Callable[[Conversation], int]
) -> Iterator[Conversation]:
    n_left, tokens_left = settings.examples, settings.max_tokens
    for example in drawn:
        if not n_left:
            return
        turns = [message for message in example.messages if message["role"] != "system"]
        size = n_tokens(turns)
        if size <= tokens_left:
            n_left, tokens_left = n_left - 1, tokens_left - size
            yield turns
