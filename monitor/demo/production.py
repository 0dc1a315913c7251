"""The demo's production: the model answers the customers, and the log is written."""

import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from monitor.demo.request_generator import SYSTEM_PROMPT, Request

#: A case is closed by the right answer, save for what goes wrong elsewhere; a wrong one seldom is.
RESOLVED_IF_RIGHT = 0.97
RESOLVED_IF_WRONG = 0.10


class AnsweringModel(Protocol):
    """What serves production."""

    def respond(
        self,
        conversations: Sequence[Sequence[dict[str, str]]],
        progress: Callable[[int], None] | None = None,
    ) -> list[str]:
        """Answer each conversation."""


def conversation(prompt: str) -> list[dict[str, str]]:
    """Return the messages with which production queries the model."""
    return [{"role": "system", "content": SYSTEM_PROMPT}, {"role": "user", "content": prompt}]


def serve(
    model: AnsweringModel,
    name: str,
    requests: Sequence[Request],
    *,
    seed: int,
    progress: Callable[[int], None] | None = None,
) -> list[dict[str, Any]]:
    """Let the model answer, and return the log: exchanges in the plain form.

    ``resolved`` is what the desk knows a day later: whether the case was closed without a transfer.
    The right answer itself is not in the log.
    """
    answers = model.respond([conversation(request.prompt) for request in requests], progress)
    rng = random.Random(f"{seed}/{requests[0].request_id if requests else ''}")
    return [
        {
            "id": request.request_id,
            "timestamp": request.asked_at.isoformat(),
            "model": name,
            "task_type": request.task_type,
            "user": request.customer,
            "prompt": conversation(request.prompt),
            "response": answer,
            "metadata": {
                "resolved": rng.random()
                < (RESOLVED_IF_RIGHT if is_right(answer, request) else RESOLVED_IF_WRONG)
            },
        }
        for request, answer in zip(requests, answers, strict=True)
    ]


def is_right(answer: str, request: Request) -> bool:
    """Return whether the answer routes the request to where it belongs."""
    return answer.strip() == request.expected


def write_log(path: Path, exchanges: Sequence[dict[str, Any]]) -> None:
    """Write exchanges as JSON lines."""
    path.write_text(
        "".join(json.dumps(exchange, ensure_ascii=False) + "\n" for exchange in exchanges),
        encoding="utf-8",
    )
