"""Write production-like traffic into Kafka: the demo's bank, or a file of one's own.

    python generate.py baseline --n 2000 > baseline.jsonl
    python generate.py history --weeks 4 --per-week 8000 > history.jsonl
    python generate.py live --per-second 20
    python generate.py file exchanges.jsonl --per-second 100

`baseline` and `history` write lines for `driftwarden baseline import` and `driftwarden replay`; the
last week of the history has drifted. `live` goes on from there in Kafka, at the given rate until it
is stopped. The responses are those of a router that knows only the entry of the menu under which a
request came: right until topics arrive that the menu has no entry for.
"""

import argparse
import itertools
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from monitor.demo.request_generator import DRIFTED_WEEK, SYSTEM_PROMPT, Request, RequestGenerator
from monitor.demo.topics import KNOWN_TOPICS

RESPONSE_BY_MENU = {topic.menu: topic.route for topic in KNOWN_TOPICS}
#: A world never says a sentence twice, production does: a new world every so many requests.
REQUESTS_PER_GENERATOR = 500


def exchange(request: Request, sent_at: datetime, *, model: str, run: str) -> dict[str, Any]:
    """Return the request and the router's response in the plain format."""
    return {
        "id": f"{run}-{request.request_id}",
        "timestamp": sent_at.isoformat(),
        "model": model,
        "task_type": request.task_type,
        "user": request.customer,
        "prompt": [
            {"role": "system", "content": SYSTEM_PROMPT},
            {"role": "user", "content": request.prompt},
        ],
        "response": RESPONSE_BY_MENU[request.task_type],
        "metadata": {"router": "menu"},
    }


def week_of(
    week: int, n: int, start: datetime, *, seed: int, model: str
) -> Iterator[dict[str, Any]]:
    """Yield a week of exchanges, its requests spread over the seven days from `start`."""
    for block, size in enumerate(_blocks(n)):
        requests = RequestGenerator(seed + block).traffic(week, size, drifted=week >= DRIFTED_WEEK)
        for i, request in enumerate(requests):
            position = block * REQUESTS_PER_GENERATOR + i
            sent_at = start + timedelta(weeks=1) * (position / n)
            yield exchange(request, sent_at, model=model, run=f"{start:%Y%m%d}-{block}")


def history(
    weeks: int, per_week: int, now: datetime, *, seed: int, model: str
) -> Iterator[dict[str, Any]]:
    """Yield whole weeks up to the last Monday before `now`; the last of them has drifted."""
    monday = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=now.weekday())
    for back in range(weeks, 0, -1):
        week = DRIFTED_WEEK if back == 1 else 1
        start = monday - timedelta(weeks=back)
        yield from week_of(week, per_week, start, seed=seed + 1000 * back, model=model)


def live(*, seed: int, model: str) -> Iterator[dict[str, Any]]:
    """Yield drifted traffic without end, each exchange dated when it is asked for."""
    started = f"{datetime.now(UTC):%Y%m%d%H%M%S}"
    for block in itertools.count(seed):
        for request in RequestGenerator(block).traffic(
            DRIFTED_WEEK, REQUESTS_PER_GENERATOR, drifted=True
        ):
            now = datetime.now(UTC)
            yield exchange(request, now, model=model, run=f"live-{started}-{block}")


def baseline(n: int, *, seed: int, model: str) -> Iterator[dict[str, Any]]:
    """Yield the exchanges of the weeks after the launch, with correct responses."""
    for block, size in enumerate(_blocks(n)):
        for request in RequestGenerator(seed + block).baseline(size):
            yield exchange(request, request.sent_at, model=model, run=f"baseline-{block}")


def file_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the exchanges of a JSONL file, as they are."""
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                try:
                    yield json.loads(line)
                except json.JSONDecodeError as error:
                    raise SystemExit(f"{path}:{number}: not JSON: {error}") from None


def send(
    exchanges: Iterable[dict[str, Any]],
    servers: str,
    topic: str,
    per_second: float | None,
    stop: threading.Event,
) -> int:
    """Produce each exchange under its id as the key; return how many were acknowledged."""
    from kafka import KafkaProducer  # noqa: PLC0415 - the baseline is written without Kafka

    producer = KafkaProducer(
        bootstrap_servers=servers, acks="all", compression_type="lz4", linger_ms=50
    )
    sent, began, told = 0, time.monotonic(), time.monotonic()
    for record in exchanges:
        producer.send(
            topic,
            key=str(record.get("id", sent)).encode(),
            value=json.dumps(record, ensure_ascii=False).encode(),
        )
        sent += 1
        if per_second:
            stop.wait(max(0.0, began + sent / per_second - time.monotonic()))
        if time.monotonic() - told > 10:
            told = time.monotonic()
            _say(f"{sent:,} exchanges sent")
        if stop.is_set():
            break
    producer.flush()
    producer.close()
    return sent


def main() -> None:
    """Parse the arguments and produce."""
    options = _parser().parse_args()
    common = {"seed": options.seed, "model": options.model}
    if options.what == "baseline":
        _write(baseline(options.n, **common))
    elif options.what == "history":
        _write(history(options.weeks, options.per_week, datetime.now(UTC), **common))
    else:
        exchanges = live(**common) if options.what == "live" else file_lines(options.path)
        _produce(exchanges, options)


def _write(exchanges: Iterable[dict[str, Any]]) -> None:
    for record in exchanges:
        sys.stdout.write(json.dumps(record, ensure_ascii=False) + "\n")


def _produce(exchanges: Iterable[dict[str, Any]], options: argparse.Namespace) -> None:
    stop = threading.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_number, lambda *_: stop.set())
    servers, topic = options.bootstrap_servers, options.topic
    sent = send(exchanges, servers, topic, options.per_second, stop)
    _say(f"{sent:,} exchanges sent to {topic} at {servers}")


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--model", default="assistant", help="the model's name in the traffic")
    common.add_argument("--seed", type=int, default=1)
    kafka = argparse.ArgumentParser(add_help=False)
    kafka.add_argument(
        "--bootstrap-servers",
        default=os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "localhost:9092"),
        help="brokers, host:port, comma-separated",
    )
    kafka.add_argument("--topic", default="llm-traffic")
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    commands = parser.add_subparsers(dest="what", required=True)
    command = commands.add_parser("baseline", parents=[common], help="reference exchanges")
    command.add_argument("--n", type=int, default=2000)
    command = commands.add_parser("history", parents=[common], help="whole weeks of traffic")
    command.add_argument("--weeks", type=int, default=4)
    command.add_argument("--per-week", type=int, default=8000)
    command = commands.add_parser("live", parents=[common, kafka], help="into Kafka, without end")
    command.add_argument("--per-second", type=float, default=20.0)
    command = commands.add_parser("file", parents=[common, kafka], help="a JSONL file into Kafka")
    command.add_argument("path", type=Path)
    command.add_argument("--per-second", type=float)
    return parser


def _blocks(n: int) -> Iterator[int]:
    """Yield the sizes of the blocks that n requests are drawn in."""
    for begin in range(0, n, REQUESTS_PER_GENERATOR):
        yield min(REQUESTS_PER_GENERATOR, n - begin)


def _say(text: str) -> None:
    sys.stderr.write(f"traffic: {text}\n")


if __name__ == "__main__":
    main()
