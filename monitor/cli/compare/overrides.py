"""Settings that options of `driftwarden compare` replace."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.settings import Settings


def with_overrides(
    settings: "Settings",
    *,
    false_alarms_a_year: float | None,
    seed: int | None,
    max_same_prompt_share: float | None,
    match_weekdays: bool | None,
    cache: Path | None,
    rules: "Sequence[str]",
) -> "Settings":
    """Return settings with the options that are given; rules join those of the settings.

    Raises:
        BadParameter: A value is out of its range, or a rule is none.
    """
    from monitor.statistics.alarm_levels import BUDGET_RANGE
    from monitor.windows.exchanges.configuration import with_rules

    least, most = BUDGET_RANGE
    if false_alarms_a_year is not None and not least <= false_alarms_a_year <= most:
        raise typer.BadParameter(
            f"--false-alarms-a-year {false_alarms_a_year}: not from {least:g} to {most:g}; give a "
            "number such as 0.5"
        )
    if seed is not None and seed < 0:
        raise typer.BadParameter(f"--seed {seed}: negative; give 0 or more")
    overrides = {
        "false_alarms_a_year": false_alarms_a_year,
        "seed": seed,
        "max_same_prompt_share": max_same_prompt_share,
        "match_weekdays": match_weekdays,
    }
    try:
        settings = with_rules(settings, rules)
    except ValueError as error:
        raise typer.BadParameter(f"--rule {error}") from None
    drift = settings.drift.model_copy(
        update={key: value for key, value in overrides.items() if value is not None}
    )
    embedding = settings.embedding
    if cache is not None:
        embedding = embedding.model_copy(update={"cache": str(cache)})
    return settings.model_copy(update={"drift": drift, "embedding": embedding})
