"""Option that accepts weights that learned from an erased end user."""

from typing import Annotated

import typer

AcceptTaintOption = Annotated[
    str,
    typer.Option(
        "--accept-taint",
        help="Why weights that learned from an erased end user are used all the same; recorded in "
        "the audit log.",
        show_default=False,
    ),
]
