"""Files of exchanges that a reader has: of a quiet week, and of one with a new topic."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.support.present import start_of_today

USUAL = (
    "my card was declined at the {} shop",
    "how high is the interest on a loan for a {}",
    "what is the balance of my account after the {}",
    "please send a new pin to my {} address",
)
NEW = "can I move bitcoin from my {} wallet to a crypto exchange"
PLACES = ("corner", "garden", "holiday", "office", "river", "school", "station", "summer")
RESPONSE = "You can do that in the app, under settings."


def exchanges(
    n: int, *, new: int = 0, weeks: int = 1, weeks_ago: int = 0, until_monday: bool = False
) -> list[dict[str, Any]]:
    """Return n exchanges of whole weeks up to today, ``new`` of them on a new topic.

    ``until_monday``: up to the last Monday, so that no window has a part of a week.
    """
    end = start_of_today()
    if until_monday:
        end -= timedelta(days=end.weekday())
    begin = end - timedelta(weeks=weeks + weeks_ago)
    return [
        {
            "id": f"{begin:%y%m%d}-{number}",
            "prompt": (NEW if number < new else USUAL[number % 4]).format(
                f"{PLACES[number % 8]} {PLACES[number // 8 % 8]}"
            ),
            "response": RESPONSE,
            "user": f"user-{number % 150}",
            "task_type": "cards",
            "timestamp": (begin + number * timedelta(weeks=weeks) / n).isoformat(),
            "metadata": {"resolved": number % 10 != 0},
        }
        for number in range(n)
    ]


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    """Write JSON lines; folders of the path are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path
