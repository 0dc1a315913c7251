"""`driftwarden retrain`: its commands."""

import typer

from monitor.cli.retrain import human_evaluation, runs
from monitor.cli.retrain.data import data
from monitor.cli.retrain.manifest import manifest
from monitor.cli.retrain.plan import plan

app = typer.Typer(no_args_is_help=True, help="Plan, start and evaluate training runs.")
app.command()(plan)
app.command()(data)
for name, command in runs.COMMANDS.items():
    app.command(name)(command)
app.command()(manifest)
app.add_typer(human_evaluation.app, name="human-evaluation")
