"""The command `driftwarden` with a light encoder, and its times divided by a factor.

`python -m tests.alarms.daemon run`. ALARMS_FACTOR is the factor; the lease of the leader is a fifth
of the real one, as a busy machine keeps no shorter one.
"""

import os
import sys
from datetime import timedelta
from functools import partial

import monitor.embedding.encoder
from monitor.alerts import outbox
from monitor.cli import main
from monitor.daemon import schedule
from monitor.daemon.evaluations import windows
from monitor.store.windows import claims
from monitor.traffic.kafka import lag
from tests.alarms import evaluation
from tests.support.encoders.fake_encoder import FakeEncoder

#: Nothing is measured more often: a scrape a second sees no more.
SHORTEST_SECONDS = 1.0
LEASE = timedelta(seconds=6)
#: Jobs of the schedule that run more often.
JOBS = ("EVALUATE", "ADVANCE", "DELIVER", "PUBLISH", "WATCH")


def scale_times(factor: float) -> None:
    """Divide the times between measurements, evaluations, checks and attempts by a factor."""
    for job in JOBS:
        name = f"{job}_EVERY_SECONDS"
        setattr(schedule, name, max(SHORTEST_SECONDS, getattr(schedule, name) / factor))
    lag.MEASURE_EVERY_SECONDS = max(SHORTEST_SECONDS, lag.MEASURE_EVERY_SECONDS / factor)
    for name in ("FIRST_DELAY", "MAX_DELAY", "MAX_LONG_DELAY"):
        setattr(outbox, name, getattr(outbox, name) / factor)
    claims.RETRY_AFTER = claims.RETRY_AFTER / factor
    schedule.prepare = partial(schedule.prepare, lease=LEASE)


if __name__ == "__main__":
    scale_times(float(os.environ["ALARMS_FACTOR"]))
    windows.evaluate_claimed = evaluation.evaluate
    monitor.embedding.encoder.load_encoder = lambda _settings: FakeEncoder()
    sys.argv[0] = "driftwarden"
    main()
