"""Commands that messages and remarks tell the reader to run."""

import shlex


def import_command(model: str, version: str = "") -> str:
    """Return the command that imports a baseline of a model, or of one of its versions."""
    command = f"driftwarden baseline import FILE --model {shlex.quote(model)}"
    return f"{command} --model-version {shlex.quote(version)}" if version else command


def rollout_command(step: str, model: str, kind: str = "rollout") -> str:
    """Return the command of a step of a model's rollout or experiment.

    The step is ``status``, or one that takes a reason; the kind is ``rollout`` or ``experiment``.
    """
    command = f"driftwarden {kind} {step} --model {shlex.quote(model)}"
    return command if step == "status" else f"{command} --reason WHY"
