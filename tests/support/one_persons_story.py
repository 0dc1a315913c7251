"""The story of an end user's data as a log of commands: export, erasure, replay, restoration."""

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

ANN = "ann@example.org"
#: The same end user in other spellings, as a replay has her, and two others.
REPLAYED = (ANN, "Ann@Example.org", "bob@example.net", "mailto:ann@example.org", "carl@example.net")
#: What differs between two runs.
_VARYING = (
    (
        re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?(\+00:00|Z| UTC)?"),
        "2026-11-02 09:30",
    ),
    (re.compile(r"(due|until) \d{4}-\d\d-\d\d"), r"\1 2026-12-02"),
    (re.compile(r"(?<!due )(?<!until )\d{4}-\d\d-\d\d(?! \d\d:)"), "2026-11-02"),
    (re.compile(r"[\d,]+ bytes"), "12,345 bytes"),
    (re.compile(r"user-[0-9a-f]{4}-[a-z]{28}"), "user-1a2b-…"),
)

Run = Callable[..., subprocess.CompletedProcess[str]]


def write_records(path: Path) -> None:
    """Write exchanges of the end user and of others, as production sends them."""
    lines = [
        {"id": f"replayed-{n}", "user": user, "prompt": f"Hello from {n}", "response": "Hello"}
        for n, user in enumerate(REPLAYED)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


class Story:
    """Runs commands in a folder and logs what a terminal shows."""

    def __init__(self, run: Run, folder: Path) -> None:
        self._run = run
        self._folder = folder
        self._lines: list[str] = []

    def command(self, line: str) -> subprocess.CompletedProcess[str]:
        """Run a command of driftwarden, and log it with its output and its exit status."""
        done = self._run(*shlex.split(line)[1:])
        self._log(line, done.stdout)
        if done.returncode:
            self._lines.append(f"(exit status {done.returncode})")
        return done

    def lose_the_disk(self) -> None:
        """Move the database and the runs away, as if their disk was lost."""
        lost = self._folder / "lost"
        lost.mkdir()
        for path in [*self._folder.glob("driftwarden.db*"), self._folder / "runs"]:
            shutil.move(path, lost)
        self._log("mv driftwarden.db* runs lost/", "")

    def text(self) -> str:
        """Return the log, without what differs between two runs."""
        text = "\n".join(self._lines).replace(f"{self._folder}/", "")
        for pattern, replacement in _VARYING:
            text = pattern.sub(replacement, text)
        return text + "\n"

    def _log(self, line: str, output: str) -> None:
        if self._lines:
            self._lines.append("")
        self._lines.append(f"$ {line}")
        self._lines += [part.rstrip() for part in output.rstrip().splitlines()]


def tell(story: Story) -> list[tuple[str, int]]:
    """Run the story; return each command with its exit status."""
    statuses = []

    def run(line: str) -> None:
        statuses.append((line, story.command(line).returncode))

    run("driftwarden db backup backup.tar.gz")
    run(f"driftwarden requests open --kind access --subject {ANN}")
    run("driftwarden requests show 1")
    run("driftwarden requests decide 1 1 --include --reason 'about nobody else' --as Lea")
    run("driftwarden requests decide 1 2 --exclude --reason 'it says nothing' --as Lea")
    run(f"driftwarden subject export {ANN} --output ann")
    run("driftwarden requests close 1 --as Lea")
    run(f"driftwarden forget --subject {ANN}")
    run(f"driftwarden forget --subject {ANN} --verify")
    run("driftwarden requests show 2")
    run("driftwarden requests decide 2 1 --erase --reason 'about nobody else' --as Lea")
    run("driftwarden requests close 2 --as Lea")
    run("driftwarden replay records.jsonl --sample-rate 1")
    run(f"driftwarden forget --subject {ANN} --verify")
    story.lose_the_disk()
    run("driftwarden db restore backup.tar.gz")
    run(f"driftwarden forget --subject {ANN}")
    run("driftwarden replay records.jsonl --sample-rate 1")
    run(f"driftwarden forget --subject {ANN} --verify")
    run("driftwarden requests list")
    run("driftwarden requests decide 1 1 --erase --reason 'erased before' --as Lea")
    run("driftwarden requests close 1 --as Lea")
    run(f"driftwarden subject export {ANN} --output after.json")
    return statuses
