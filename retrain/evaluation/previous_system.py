"""Another system beside the candidate: recorded responses, or an OpenAI-compatible endpoint."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from monitor.errors import InputError
from monitor.settings import Judge, PreviousSystem
from retrain.data.benchmarks.dataset_file import read_dataset
from retrain.evaluation.benchmark import Benchmark
from retrain.evaluation.judge.chat_client import ChatClient
from retrain.json_lines import parse_lines

#: Items without a response that a message names.
_NAMED = 5


class RecordedResponse(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line of a file of responses."""

    id: str
    response: str
    #: Empty: the item of this id in any benchmark.
    benchmark: str = ""


def recorded_responses(
    settings: PreviousSystem, benchmarks: Sequence[Benchmark], folder: Path
) -> dict[str, list[str]]:
    """Return the recorded responses to each benchmark, in the order of its items.

    The settings are ``[retrain.previous]``, whose ``responses`` are JSON lines. A relative path is
    relative to the folder.

    Raises:
        InputError: The file is unreadable or malformed, or items have no response.
    """
    origin = settings.responses
    rows = parse_lines(read_dataset(origin, folder), origin, _response)
    by_id = {(row.benchmark, row.id): row.response for row in rows}
    return {benchmark.name: _responses_to(benchmark, by_id, origin) for benchmark in benchmarks}


def _responses_to(
    benchmark: Benchmark, by_id: Mapping[tuple[str, str], str], origin: str
) -> list[str]:
    responses = [
        by_id.get((benchmark.name, item.id), by_id.get(("", item.id))) for item in benchmark.items
    ]
    missing = [
        item.id for item, text in zip(benchmark.items, responses, strict=True) if text is None
    ]
    if missing:
        raise InputError(
            f"{origin}: no response to {len(missing)} of {len(responses)} items of "
            f"{benchmark.name}: {', '.join(missing[:_NAMED])}; add them",
            code="missing_responses",
        )
    return [text for text in responses if text is not None]


def _response(line: bytes) -> RecordedResponse:
    return msgspec.json.decode(line, type=RecordedResponse)


class ChatEndpoint:
    """A system behind an OpenAI-compatible endpoint."""

    def __init__(self, settings: PreviousSystem, api_key: str) -> None:
        self._settings = Judge(url=settings.url, model=settings.model)
        self._api_key = api_key

    def respond(
        self,
        conversations: Sequence[Sequence[dict[str, str]]],
        progress: Callable[[int], None] | None = None,
    ) -> list[str]:
        """Return a response to each conversation; ``JudgeError`` where the endpoint gave none."""
        responses = []
        with ChatClient(self._settings, self._api_key) as client:
            for conversation in conversations:
                responses.append(client.chat(conversation))
                if progress is not None:
                    progress(1)
        return responses
