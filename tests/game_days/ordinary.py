"""A month of ordinary days: much changes, and nobody is to be woken."""

from collections.abc import Callable
from datetime import datetime, timedelta

from tests.game_days.faults import DAY, HOUR, MINUTE, Action, Fault, Strike, ends_by_itself
from tests.game_days.faults_of_services import QUIET
from tests.game_days.script import Script
from tests.game_days.world.world import World

DAYS = 30
#: Hours from one step of a rollout to the next, and the shares.
STAGE, SHARES = 12 * HOUR, (0.05, 0.25, 0.5, 1.0)


def ordinary_month(seed: int, begin: datetime, days: int = DAYS) -> Script:
    """Return a month with deploys, restarts, new models, a rollout and holidays."""
    quiet = {fault.name: fault for fault in QUIET}
    strikes = []

    def add(fault: Fault, day: int, hour: float, lasts: timedelta, model: str = "") -> None:
        at = begin + day * DAY + hour * HOUR
        if day < days:
            strikes.append(Strike(fault, at, at + lasts, model, 0.0))

    for day in range(1, days, 3):
        add(quiet["deploy"], day, 15.2, 10 * MINUTE)
    for day in range(2, days, 5):
        add(quiet["leader killed"], day, 3.7, timedelta(seconds=30))
        add(quiet["broker restarts"], day, 4.5, 8 * MINUTE)
        add(quiet["slack refuses briefly"], day, 8.9, 9 * MINUTE)
    for week in range(days // 7):
        new_model = _change("new model", _add_model, _restart)
        add(new_model, 7 * week + 3, 11.0, 3 * HOUR, f"bot{week}")
        add(_change("configuration changed", _change_configuration), 7 * week + 5, 14.0, MINUTE)
    for stage in range(len(SHARES)):
        roll_out = _change(f"rollout stage {stage}", _roll_out(stage))
        add(roll_out, 9, 10 + stage * (STAGE / HOUR), MINUTE, "router")
    add(_change("users away", _send_users_away, _bring_users_back), 13, 8.0, 6 * DAY, "desk")
    add(quiet["holiday of two days"], 16, 8.0, 2 * DAY)
    ordered = tuple(sorted(strikes, key=lambda strike: strike.begin))
    return Script(seed, begin, begin + days * DAY, ordered)


def _change(name: str, begin: Action, end: Action = ends_by_itself) -> Fault:
    return Fault(
        name=name,
        begin=begin,
        end=end,
        lasts=(MINUTE, DAY),
        promised=None,
        of_model=False,
        touches=name,
    )


def _add_model(world: World, strike: Strike) -> None:
    """List a new model with a baseline; its traffic comes before the daemon is restarted."""
    world.production.add(strike.model)
    world.production.senders[strike.model].per_day /= 3
    world.models.append(strike.model)
    world.import_baseline(strike.model)


def _restart(world: World, _strike: Strike) -> None:
    world.start()


def _change_configuration(world: World, _strike: Strike) -> None:
    """Change a threshold, and start again."""
    world.min_samples += 5
    world.start()


def _roll_out(stage: int) -> Callable[[World, Strike], None]:
    def set_share(world: World, strike: Strike) -> None:
        sender = world.production.senders[strike.model]
        sender.version, sender.version_share = "v2", SHARES[stage]

    return set_share


def _send_users_away(world: World, strike: Strike) -> None:
    world.production.senders[strike.model].n_users = 150


def _bring_users_back(world: World, strike: Strike) -> None:
    world.production.senders[strike.model].n_users = 400
