"""Cost of a record's end user: its pseudonym, and the look-up in the suppression list.

Run ``python -m bench.traffic.end_users``.
"""

import time
from collections.abc import Sequence
from datetime import UTC, datetime

from monitor.settings import Privacy
from monitor.traffic.end_users.key_ring import KeyRing
from monitor.traffic.end_users.keys import Key
from monitor.traffic.end_users.suppression_list import SuppressionList, additions
from monitor.traffic.end_users.user_ids import UserIds

N_USERS, N_LISTED, N_ROUNDS = 5_000, 1_000, 3
KINDS = {
    "plain id": "customer-{:06d}",
    "e-mail address": "someone.{}@example.org",
    "phone number": "+49309018{:05d}",
}


def measure() -> dict[str, tuple[float, float]]:
    """Return CPU microseconds by kind of id: first record of an end user, and further ones.

    The least of some rounds, each with nothing remembered.
    """
    ring = KeyRing((Key(b"k" * 32),))
    now = datetime.now(UTC)
    changes = [
        row
        for number in range(N_LISTED)
        for row in additions(
            UserIds(Privacy(), ring), f"listed-{number}", "forgotten", at=now, by="bench"
        )
    ]
    measured = {}
    for kind, form in KINDS.items():
        names = [form.format(number) for number in range(N_USERS)]
        rounds = []
        for _ in range(N_ROUNDS):
            ids = UserIds(Privacy(), ring)
            listed = SuppressionList(ids, changes)
            rounds.append((_microseconds(ids, listed, names), _microseconds(ids, listed, names)))
        first, further = zip(*rounds, strict=True)
        measured[kind] = (min(first), min(further))
    return measured


def _microseconds(ids: UserIds, listed: SuppressionList, names: Sequence[str]) -> float:
    started = time.process_time()
    for name in names:
        listed.has(name)
        ids.stored_id(name)
    return (time.process_time() - started) / len(names) * 1e6


if __name__ == "__main__":
    for name, (of_first, of_further) in measure().items():
        print(f"{name:16} first record {of_first:7.2f} us  further records {of_further:7.2f} us")
