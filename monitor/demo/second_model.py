"""Second model of the demo on the same topic: it confirms requests, and nothing changes."""

from collections.abc import Sequence
from typing import Any

from monitor.demo.request_generator import Request, RequestGenerator

NAME = "desk-receipts"
N_BASELINE = 200
N_WEEK = 125
#: Added to the demo's seed, so that the two models get different requests.
SEED_OFFSET = 1


class SecondModel:
    """Its traffic: ordinary requests each week, and a confirmation of each."""

    def __init__(self, seed: int) -> None:
        self._generator = RequestGenerator(seed + SEED_OFFSET)

    def baseline(self) -> list[dict[str, Any]]:
        """Return the log of the weeks before the first one."""
        return _log(self._generator.baseline(N_BASELINE))

    def week(self, number: int) -> list[dict[str, Any]]:
        """Return the log of a week, counted from 1."""
        return _log(self._generator.traffic(number, N_WEEK, drifted=False))


def _log(requests: Sequence[Request]) -> list[dict[str, Any]]:
    return [
        {
            "id": f"receipt-{request.request_id}",
            "timestamp": request.sent_at.isoformat(),
            "model": NAME,
            "task_type": request.task_type,
            "user": request.customer,
            "prompt": request.prompt,
            "response": _confirmation(request),
        }
        for request in requests
    ]


def _confirmation(request: Request) -> str:
    queue = request.expected.partition(":")[0]
    return f"Thank you. We have received your request; our {queue} team answers within a day."
