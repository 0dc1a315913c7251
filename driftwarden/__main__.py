"""The command, by ``driftwarden`` or ``python -m driftwarden``."""

from driftwarden.own_packages import take_own_packages


def main() -> None:
    """Run the command with our own packages."""
    take_own_packages("monitor", "retrain")
    from monitor.cli import main as run  # noqa: PLC0415 - after our packages

    run()


if __name__ == "__main__":
    main()
