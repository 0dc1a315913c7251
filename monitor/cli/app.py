"""Root command: the commands and groups, and the exit status of each error."""

import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated, ClassVar

import typer

from monitor.cli.lazy_group import Entry, LazyGroup
from monitor.cli.shared.output import escape_controls
from monitor.errors import DriftwardenError
from monitor.private_files import use_private_umask

#: Extras that commands need.
TEXT, DAEMON, TRAIN = ("text",), ("daemon",), ("train",)


class Commands(LazyGroup):
    """The commands in the order of the help."""

    entries: ClassVar[Mapping[str, Entry]] = {
        "init": Entry("monitor.cli.init:init", "Write a config.toml to start from."),
        "demo": Entry("monitor.cli.demo:demo", "Run the end-to-end demo.", (*DAEMON, *TRAIN)),
        "run": Entry("monitor.cli.run:run", "Run the daemon until SIGTERM or Ctrl+C.", DAEMON),
        "check": Entry(
            "monitor.cli.check:check", "Check what the daemon needs, or what is broken now.", DAEMON
        ),
        "sizing": Entry(
            "monitor.cli.sizing.command:sizing",
            "Show the resources that a volume of traffic needs.",
            TEXT,
        ),
        "db": Entry(
            "monitor.cli.database:app",
            "Migrate, check, copy, back up and restore the database.",
            DAEMON,
        ),
        "baseline": Entry(
            "monitor.cli.traffic:baseline_app", "Import baselines of a model.", DAEMON
        ),
        "replay": Entry(
            "monitor.cli.traffic:replay", "Ingest a file as if it came from Kafka.", DAEMON
        ),
        "dead-letters": Entry(
            "monitor.cli.dead_letters:dead_letters", "List the dead letters.", DAEMON
        ),
        "compare": Entry(
            "monitor.cli.compare.command:compare", "Compare two files of exchanges.", TEXT
        ),
        "encoder": Entry("monitor.cli.encoder:app", "Install the weights of an encoder."),
        "evaluate": Entry(
            "monitor.cli.evaluate:evaluate", "Evaluate a window of stored traffic.", DAEMON
        ),
        "todo": Entry("monitor.cli.todo:todo", "List what needs a lead or an adjudicator.", DAEMON),
        "digest": Entry("monitor.cli.digest:digest", "Show a year of drift evaluations.", DAEMON),
        "incidents": Entry(
            "monitor.cli.incidents:app",
            "List, show, acknowledge, snooze, resolve and annotate incidents.",
            DAEMON,
        ),
        "taxonomy": Entry(
            "monitor.cli.taxonomy:app", "Check, show, publish or create the task taxonomy.", DAEMON
        ),
        "review": Entry(
            "monitor.cli.review.queue:app",
            "Show the review queue, decide on retraining, export gold.",
            DAEMON,
        ),
        "accounts": Entry(
            "monitor.cli.accounts:app", "Invite users, set their roles, deactivate them.", DAEMON
        ),
        "access-log": Entry(
            "monitor.cli.privileges.access_log:access_log",
            "List who signed in, and who read texts of end users.",
            DAEMON,
        ),
        "retrain": Entry(
            "monitor.cli.retrain.group:app", "Plan, start and evaluate training runs.", TRAIN
        ),
        "models": Entry(
            "monitor.cli.models.versions:app",
            "List, register, compare, promote, revert and reject model versions.",
            DAEMON,
        ),
        "rollout": Entry(
            "retrain.rollout.commands.commands:app",
            "Start, watch, pause, advance and revert rollouts.",
            DAEMON,
        ),
        "experiment": Entry(
            "retrain.rollout.commands.experiments:app",
            "Start, show and stop experiments with two versions.",
            DAEMON,
        ),
        "probes": Entry(
            "monitor.cli.probes:app",
            "Send probes to the live endpoint, and show their results.",
            DAEMON,
        ),
        "forget": Entry("monitor.cli.privacy.erasure:forget", "Erase an end user's data.", DAEMON),
        "requests": Entry(
            "monitor.cli.privacy.requests:app",
            "Open, list, decide and close requests of end users.",
            DAEMON,
        ),
        "suppress": Entry(
            "monitor.cli.privacy.suppress:app",
            "Add, list and remove end users whose records are not stored.",
            DAEMON,
        ),
        "user-ids": Entry(
            "monitor.cli.privacy.user_ids:app",
            "Show and renew the stored forms of end users' ids.",
            DAEMON,
        ),
        "retention": Entry(
            "monitor.cli.privacy.erasure:retention", "Apply the retention periods.", DAEMON
        ),
        "subject": Entry(
            "monitor.cli.privacy.subject:app",
            "Hand out what is stored about an end user.",
            DAEMON,
        ),
        "privacy": Entry(
            "monitor.cli.privacy.inventory:app",
            "Say which personal data is stored.",
            DAEMON,
        ),
        "bench": Entry(
            "monitor.cli.bench:app", "Measure the drift tests against their goals.", TEXT
        ),
    }


app = typer.Typer(
    cls=Commands,
    name="driftwarden",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    # Plain help: Rich reads [section] and [brackets] as markup and drops them, and is slow to load.
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(value: bool) -> None:
    if value:
        from importlib.metadata import version

        typer.echo(f"driftwarden {version('driftwarden')}")
        raise typer.Exit


@app.callback()
def driftwarden(
    context: typer.Context,
    *,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Monitor a fine-tuned LLM for drift, have experts review responses, and retrain it."""
    if context.invoked_subcommand != "db":  # a migration needs no temporary files
        from monitor.cli.shared.temporary_folder import require_temporary_folder

        require_temporary_folder()


def main() -> None:
    """Run the command; a driftwarden error ends it with one line and its exit status."""
    use_private_umask()
    try:
        app()
    except DriftwardenError as error:
        _report(error)
        sys.exit(error.exit_status)
    except BrokenPipeError:  # the reader, such as `head`, has closed the pipe
        sys.stderr.close()
        sys.exit(141)


def _report(error: DriftwardenError) -> None:
    """Print an error on a line of stderr; that of the daemon is JSON where its log is."""
    if sys.argv[1:2] == ["run"] and not sys.stderr.isatty():
        with suppress(ImportError):  # without the extra there is no log
            from monitor.telemetry import configure_logging, get_logger

            configure_logging()
            status = error.exit_status
            get_logger(__name__).error("daemon_ended", error=str(error), exit_status=status)
            return
    lines = "\n".join(map(escape_controls, str(error).split("\n")))
    print(f"driftwarden: {lines}", file=sys.stderr)  # noqa: T201
