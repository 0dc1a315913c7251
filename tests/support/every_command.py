"""Every command and its help, in one process: a JSON line each with what happened.

A command is invoked as after its arguments were read.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from functools import partial
from io import StringIO
from typing import Any

import typer

from monitor.cli.app import app
from monitor.errors import DriftwardenError

WITHOUT_EXTRAS = ("init", "encoder")


def leaves(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield each command with its path."""
    below = getattr(command, "commands", None)
    if below is None:
        yield path, command
        return
    for name in below:
        yield from leaves(below[name], (*path, name))


def outcome(call: Callable[[], Any]) -> dict[str, Any]:
    """Return the exit status and the error of a call."""
    try:
        result = call()
    except DriftwardenError as error:
        return {"status": error.exit_status, "code": error.code, "message": str(error)}
    return {"status": result or 0}


def main() -> None:
    """Print the lines."""
    root = typer.main.get_command(app)
    for path, command in leaves(root):
        with redirect_stdout(StringIO()):
            help_text = outcome(partial(root.main, [*path, "--help"], standalone_mode=False))
            result = {} if path[0] in WITHOUT_EXTRAS else outcome(partial(command.invoke, None))
        print(json.dumps({"command": " ".join(path), "help": help_text["status"], **result}))


if __name__ == "__main__":
    main()
