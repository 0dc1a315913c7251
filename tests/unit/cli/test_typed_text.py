"""Parameters of commands that are redacted texts; every other one is listed here."""

from collections.abc import Iterator
from typing import Any, get_args

import pytest
import typer

from monitor.cli.app import app
from monitor.cli.shared.typed_text import TYPED, redact_parameters
from tests.support.every_command import leaves

#: Parameters of commands that are texts and no words about somebody: names, ids, times, paths.
NO_WORDS = frozenset(
    {
        "action", "address", "base", "baseline", "by", "cause", "chat_template", "choice",
        "confirm",
        "database_disk", "digest", "email", "end_user", "exchange", "expect", "fail_on", "folder",
        "goals", "gpu", "guards", "item", "key", "model", "model_version", "name", "only",
        "prompt_tokens", "record_bytes", "requests_per_day", "response_tokens", "retention",
        "role", "role_of", "rule",
        "subject", "target_url", "task_type", "to", "until", "user", "user_id", "version",
    }
)  # fmt: skip


def texts() -> Iterator[tuple[str, str]]:
    """Yield command and parameter of each text."""
    for path, command in leaves(typer.main.get_command(app)):
        for parameter in command.params:
            descriptor = getattr(parameter, "type_descriptor", None)
            annotation = getattr(descriptor, "annotation", None)
            if str in (annotation, *get_args(annotation)):
                yield " ".join(path), parameter.name


def test_every_text_of_a_command_is_redacted_or_listed() -> None:
    named = {name for _, name in texts()}

    assert TYPED & named == TYPED
    assert set() == named - TYPED - NO_WORDS


class Context:
    """The context of a command's invocation."""

    def __init__(self, **params: Any) -> None:
        self.params = {"config": None, **params}


def test_reason_is_redacted_and_the_user_notified(
    capsys: pytest.CaptureFixture[str], tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    context = Context(reason="asked by ann@example.org", name="ann@example.org", text="")

    redact_parameters(context)

    assert context.params["reason"] == "asked by [EMAIL]"
    assert context.params["name"] == "ann@example.org"
    output = capsys.readouterr()
    assert output.out == ""
    assert "asked by [EMAIL]" in output.err
    assert "1 x [EMAIL]" in output.err
    redact_parameters(context)
    assert capsys.readouterr().err == ""


def test_missing_detector_of_names_stops_no_command(
    capsys: pytest.CaptureFixture[str], tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.toml").write_text(
        'redaction.presidio = true\nredaction.presidio_model = "none/such"\n'
    )
    context = Context(reason="ann@example.org", config=tmp_path / "config.toml")

    redact_parameters(context)

    assert context.params["reason"] == "[EMAIL]"
    assert "names are not redacted" in capsys.readouterr().err


def test_redaction_that_is_off_leaves_reasons(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.toml").write_text("redaction.enabled = false\n")
    context = Context(reason="ann@example.org", config=tmp_path / "config.toml")

    redact_parameters(context)

    assert context.params["reason"] == "ann@example.org"
