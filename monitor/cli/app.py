"""The root of the command: its groups, and the exit status of each error."""

import sys

import typer

from monitor.cli import (
    bench,
    check,
    compare,
    database,
    dead_letters,
    demo,
    digest,
    evaluate,
    privacy,
    run,
    taxonomy,
    traffic,
)
from monitor.cli.models import versions
from monitor.cli.retrain import manifest, runs
from monitor.cli.review import queue
from monitor.errors import DriftwardenError

app = typer.Typer(
    name="driftwarden",
    help="Watch a fine-tuned LLM in production, have experts review what drifted, and retrain it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(demo.demo)
app.command()(run.run)
app.command()(check.check)
app.add_typer(database.app, name="db")
app.add_typer(traffic.baseline_app, name="baseline")
app.command()(traffic.replay)
app.command()(dead_letters.dead_letters)
app.command()(compare.compare)
app.command()(evaluate.evaluate)
app.command()(digest.digest)
app.add_typer(taxonomy.app, name="taxonomy")
app.add_typer(queue.app, name="review")
runs.app.command()(manifest.manifest)
app.add_typer(runs.app, name="retrain")
app.add_typer(versions.app, name="models")
app.command()(privacy.forget)
app.command()(privacy.retention)
app.add_typer(bench.app, name="bench")


def main() -> None:
    """Run the command. Errors raised on purpose end it with a line and their exit status."""
    try:
        app()
    except DriftwardenError as error:
        print(f"driftwarden: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(error.exit_status)
    except BrokenPipeError:  # the reader, `head` for instance, has had enough
        sys.stderr.close()
        sys.exit(141)
