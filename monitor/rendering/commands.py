"""Commands that messages and remarks tell the reader to run."""

import shlex


def import_command(model: str, version: str = "") -> str:
    """Return the command that imports a baseline of a model, or of one of its versions."""
    command = f"driftwarden baseline import FILE --model {shlex.quote(model)}"
    return f"{command} --model-version {shlex.quote(version)}" if version else command
