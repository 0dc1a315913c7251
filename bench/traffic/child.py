"""``python -m bench.traffic.child BROKERS TOPIC RECORDS URL SECONDS MODELS``: an ingest alone.

SECONDS is the encoder's time per text, MODELS the number of listed models. Prints the time and the
peak resident memory, with that of ingest's own child, as JSON.
"""

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass

from bench.traffic.ingest_runs import InstantEncoder, ingest, peak_megabytes
from bench.traffic.services import N_MODELS, BenchServices, bench_settings


@dataclass(frozen=True)
class ChildRun:
    """Result of a child process."""

    microseconds_per_record: float
    cpu_microseconds: float
    resident_megabytes: float


def ingest_in_child(
    services: BenchServices,
    topic: str,
    n_records: int,
    *,
    seconds_per_text: float = 0.0,
    n_models: int = N_MODELS,
) -> ChildRun:
    """Ingest a topic in a fresh process.

    Raises:
        RuntimeError: The process failed.
    """
    with services.database() as url:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "bench.traffic.child"),
                *(services.bootstrap_servers, topic, str(n_records), url),
                *(str(seconds_per_text), str(n_models)),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode != 0:
        raise RuntimeError(done.stderr[-2000:])
    return ChildRun(**json.loads(done.stdout.splitlines()[-1]))


def main(
    bootstrap_servers: str, topic: str, n_records: str, url: str, seconds: str, n_models: str
) -> None:
    """Measure and print."""
    encoder = InstantEncoder(seconds_per_text=float(seconds))
    settings = bench_settings(bootstrap_servers, topic, url, n_models=int(n_models))
    run = ingest(settings, encoder, int(n_records))
    each = run.seconds / run.n_records * 1e6
    resident = peak_megabytes(os.getpid()) + run.child_megabytes
    measured = ChildRun(each, run.cpu_microseconds, resident)
    print(json.dumps(asdict(measured)))


if __name__ == "__main__":
    main(*sys.argv[1:])
