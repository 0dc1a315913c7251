"""Wanted weights that a command sends to the gateway, and waits for."""

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from monitor.settings import Sections

#: Longest wait for the daemon, where the gateway can't be reached from here.
WAIT_SECONDS = 15.0
POLL_SECONDS = 0.5

WaitOption = Annotated[
    float, typer.Option("--wait", min=0.0, help="Longest wait for the gateway, in seconds.")
]


def send_weights(
    engine: "Engine", settings: "Sections", model: str, wait_seconds: float = WAIT_SECONDS
) -> str:
    """Send the wanted weights of a model, and return what the gateway has.

    A gateway that can't be reached from here gets them from the daemon.

    Raises:
        TransientError: The gateway has not confirmed them in time. They stay wanted.
    """
    from monitor.errors import TransientError
    from monitor.settings import load_secrets
    from monitor.store.engine import transaction
    from retrain.rollout.apply import apply_weights
    from retrain.rollout.gateways.factory import create_gateway
    from retrain.rollout.rows.weights import newest_weights

    gateway = create_gateway(settings, load_secrets(), engine)
    deadline = time.monotonic() + wait_seconds
    apply_weights(engine, gateway, model, datetime.now(UTC))
    while True:
        with transaction(engine) as connection:
            row = newest_weights(connection, model)
        if row is None:
            return "no weights"
        shares = f"version {row.stable} at {100 - row.canary_percent}%"
        if row.canary is not None:
            shares += f", version {row.canary} at {row.canary_percent}%"
        if row.confirmed_at is not None and row.error is None:
            if not gateway.capabilities.reads_weights:
                return f"{shares} (recorded; no gateway is read back)"
            return f"{shares} (confirmed by the gateway)"
        if time.monotonic() >= deadline:
            raise TransientError(
                f"{model}: recorded, but the gateway has not confirmed {shares}: "
                f"{row.error or 'no attempt yet'}; the daemon tries again every 5 seconds, and "
                "`driftwarden rollout status` shows it",
                code="not_confirmed",
            )
        time.sleep(POLL_SECONDS)
