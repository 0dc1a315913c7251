"""Redaction of what users type into commands, before a command runs."""

from typing import Any

import typer

#: Parameters of commands that are stored as they are typed.
TYPED = frozenset({"accept_taint", "move_items", "reason", "text", "weaker_because"})


def redact_parameters(context: Any) -> None:
    """Redact the texts of a command in its context, and say on stderr what was replaced.

    Without the configured detector of names the built-in forms are used: a revert must not fail for
    a model that isn't installed.
    """
    typed = {
        name: value
        for name, value in (context.params if context is not None else {}).items()
        if name in TYPED and isinstance(value, str) and value
    }
    if not typed:
        return
    from monitor.errors import ConfigurationError
    from monitor.settings import load_configuration
    from monitor.traffic.redaction import Redactor, build_redactor
    from monitor.traffic.redaction.typed_text import describe_replacement, redact_text

    settings = load_configuration(context.params.get("config")).redaction
    try:
        redactor = build_redactor(settings)
    except ConfigurationError as error:
        typer.echo(f"names are not redacted: {error}", err=True)
        redactor = Redactor(settings.patterns)
    if redactor is None:
        return
    for name, value in typed.items():
        context.params[name], replacements = redact_text(value, redactor, name)
        for replacement in replacements:
            typer.echo(describe_replacement(replacement), err=True)
