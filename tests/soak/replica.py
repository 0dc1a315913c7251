"""One daemon under test, with its log and phase marks."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.services.warm_interpreter import ForkedProcess, warm_interpreter
from tests.soak.marks import Marks

ROOT = Path(__file__).parents[2]
#: A daemon that was told to stop has 30 s for its last batch.
STOP_SECONDS = 60.0
N_SLOTS = 3


class Replica:
    """A slot for one daemon at a time."""

    def __init__(
        self,
        number: int,
        folder: Path,
        environment: Mapping[str, str],
        *,
        parts: str = "ingest",
        warm: bool = False,
    ) -> None:
        """Start nothing yet; ``warm``: daemons are forked from the test run's warm interpreter."""
        self.number = number
        self._parts = parts
        self._warm = warm
        #: Whether the supervisor keeps a daemon running here.
        self.wanted = False
        #: Whether a fault is at work on it: no other strikes it, nobody restarts it.
        self.reserved = False
        self.process: subprocess.Popen[bytes] | ForkedProcess | None = None
        self.restart_at = 0.0
        self.log = folder / f"replica-{number}.log"
        marks = folder / f"replica-{number}.marks"
        self.marks = Marks(marks)
        self._environment = {**environment, "SOAK_MARKS": str(marks)}

    @property
    def alive(self) -> bool:
        """Whether a daemon runs in the slot."""
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        """Start a daemon in its own session, so that Ctrl-C reaches only the harness."""
        self.marks.clear()
        module, arguments = "tests.soak.daemon", ("run", "--only", self._parts)
        with self.log.open("ab") as log:
            if self._warm:
                self.process = warm_interpreter().start_program(
                    module, *arguments, env=self._environment, cwd=ROOT, output=log
                )
                return
            self.process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def end(self, how: signal.Signals) -> int | None:
        """Send SIGTERM or SIGKILL; return the exit status, ``None`` if SIGTERM had no effect."""
        process, self.process = self.process, None
        process.send_signal(how)
        try:
            return process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return None

    def count_in_log(self, words: str) -> int:
        """Count occurrences of a text in the daemons' logs."""
        return self.log.read_text(errors="replace").count(words) if self.log.exists() else 0

    def freeze(self) -> None:
        """Suspend the process."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Resume the process."""
        self.process.send_signal(signal.SIGCONT)


def environment_of(number: int, settings: Mapping[str, str], database_url: str) -> dict[str, str]:
    """Return the environment of a replica, whose connections carry its name."""
    # Settings and services of whoever runs the soak must not reach the daemons.
    own = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("DRIFTWARDEN_") and name != "DATABASE_URL"
    }
    return {
        **own,
        **settings,
        "DRIFTWARDEN_DATABASE__URL": f"{database_url}?application_name=soak-{number}",
        "OMP_NUM_THREADS": "1",
    }
