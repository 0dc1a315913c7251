"""Simulated production of the demo: responses of the model, and the log."""

import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monitor.demo.request_generator import SYSTEM_PROMPT, Request

if TYPE_CHECKING:
    from retrain.evaluation.metrics.scoring import ChatModel

#: Chance that a case is resolved after a correct and after a wrong response.
RESOLVED_IF_CORRECT = 0.97
RESOLVED_IF_WRONG = 0.10


def conversation(prompt: str) -> list[dict[str, str]]:
    """Return the messages of a request in production."""
    return [{"role": "system", "content": SYSTEM_PROMPT}, {"role": "user", "content": prompt}]


def serve(
    model: "ChatModel",
    name: str,
    requests: Sequence[Request],
    *,
    seed: int,
    progress: Callable[[int], None] | None = None,
) -> list[dict[str, Any]]:
    """Generate the responses, and return the log: exchanges in the plain format.

    ``resolved`` is known a day later: whether the case was closed without a transfer. The correct
    response is not in the log.
    """
    responses = model.respond([conversation(request.prompt) for request in requests], progress)
    rng = random.Random(f"{seed}/{requests[0].request_id if requests else ''}")
    return [
        {
            "id": request.request_id,
            "timestamp": request.sent_at.isoformat(),
            "model": name,
            "task_type": request.task_type,
            "user": request.customer,
            "prompt": conversation(request.prompt),
            "response": response,
            "metadata": {
                "resolved": rng.random()
                < (RESOLVED_IF_CORRECT if is_correct(response, request) else RESOLVED_IF_WRONG)
            },
        }
        for request, response in zip(requests, responses, strict=True)
    ]


def is_correct(response: str, request: Request) -> bool:
    """Return whether a response is the correct route of its request."""
    return response.strip() == request.expected


def write_log(path: Path, exchanges: Sequence[dict[str, Any]]) -> None:
    """Write exchanges as JSON lines."""
    path.write_text(
        "".join(json.dumps(exchange, ensure_ascii=False) + "\n" for exchange in exchanges),
        encoding="utf-8",
    )
