"""A terminal: one shell, whose folder and variables stay from command to command."""

import os
import select
import shlex
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

#: Stands around the exit status in the output.
MARK = "\x1e"
#: A bash of its own session, so that all its children can be ended.
SHELL = ("bash", "--noprofile", "--norc")


class Terminal:
    """Runs commands as a reader types them; output and errors are one stream."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._script = folder.with_name(f"{folder.name}-command.sh")
        self._shell = subprocess.Popen(
            SHELL,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=environment,
            start_new_session=True,
        )
        self._environment = environment

    def run(self, text: str, seconds: float) -> tuple[int, str]:
        """Run a command; return its exit status and its output.

        Raises:
            TimeoutError: It takes longer.
        """
        self._script.write_text(text + "\n", encoding="utf-8")
        is_script = text.startswith("#!")
        call = f"sh {self._script}" if is_script else f". {self._script}"
        assert self._shell.stdin
        self._shell.stdin.write(f"{call} </dev/null; printf '{MARK}%d{MARK}' $?\n".encode())
        self._shell.stdin.flush()
        output = self._read_to_mark(text, time.monotonic() + seconds)
        before, status, _ = output.split(MARK)
        return int(status), before

    def export(self, variables: Mapping[str, str]) -> None:
        """Set variables of the shell."""
        for name, value in variables.items():
            self.run(f"export {name}={shlex.quote(value)}", 10.0)
        self._environment = {**self._environment, **variables}

    def start(self, text: str, output: Path) -> subprocess.Popen[bytes]:
        """Start a command that runs until it is ended, in the folder of the shell."""
        _, folder = self.run("pwd", 10.0)
        with output.open("wb") as log:
            return subprocess.Popen(
                [*SHELL, "-c", text],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=folder.strip(),
                env=self._environment,
                start_new_session=True,
            )

    def close(self) -> None:
        """End the shell and what it started."""
        os.killpg(self._shell.pid, signal.SIGKILL)
        self._shell.wait()
        for stream in (self._shell.stdin, self._shell.stdout):
            if stream:
                stream.close()

    def _read_to_mark(self, text: str, deadline: float) -> str:
        assert self._shell.stdout
        content = b""
        while content.count(MARK.encode()) < 2:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._shell.stdout], [], [], left)[0]:
                text_so_far = content.decode(errors="replace")
                raise TimeoutError(f"did not end: {text}\n{text_so_far}")
            read = os.read(self._shell.stdout.fileno(), 1 << 16)
            if not read:
                raise EOFError(f"the shell ended in: {text}\n{content.decode(errors='replace')}")
            content += read
        return content.decode(errors="replace")
