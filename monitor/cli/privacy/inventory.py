"""`driftwarden privacy`: what personal data is stored."""

from typing import Annotated

import typer

from monitor.cli.shared.context import ConfigOption, read_configuration
from monitor.cli.shared.output import print_json

app = typer.Typer(no_args_is_help=True, help="Say which personal data is stored.")


@app.callback()
def privacy() -> None:
    """Say which personal data is stored."""


@app.command()
def inventory(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="Print a document with tables.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """List what is stored where, which personal data, why, how long, and who reads it.

    A draft for the record of processing activities and for the impact assessment, from the registry
    of columns and files, with the periods and services of the settings. It names what a site has to
    fill in: controller, legal basis, recipients, transfers. Opens no database.
    """
    from monitor.privacy.inventory.content import build_inventory
    from monitor.privacy.inventory.pages import to_markdown, to_text

    if as_json and as_markdown:
        raise typer.BadParameter("--json and --markdown: give one of them")
    content = build_inventory(read_configuration(config))
    if as_json:
        print_json(content)
        return
    typer.echo(to_markdown(content) if as_markdown else to_text(content), nl=not as_markdown)
