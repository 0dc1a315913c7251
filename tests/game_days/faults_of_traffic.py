"""Faults of what production sends: traffic, fields, metrics, feedback, late records."""

from datetime import timedelta
from functools import partial

from tests.game_days.faults import DAY, HOUR, MINUTE, TITLE, Fault, Figure, Strike
from tests.game_days.world.production import JUDGE, RATED, Sender
from tests.game_days.world.world import World

#: Time in which a signal that is missing is told.
SIGNAL_WITHIN = 26 * HOUR
SIGNAL_LASTS = (30 * HOUR, 44 * HOUR)
#: A model that nobody lists.
PILOT = "pilot"
SIGNAL, NO_TRAFFIC = rf"{TITLE}signal missing\b", rf"{TITLE}no traffic\b"
#: Its message, or the details in its thread.
DRIFT_OF = rf"{TITLE}(drift\b|incident \d+, )"


def _sender(world: World, strike: Strike) -> Sender:
    return world.production.senders[strike.model]


def _set_volume(world: World, strike: Strike, *, least: float, most: float) -> None:
    _sender(world, strike).volume = least + strike.size * (most - least)


def _restore_volume(world: World, strike: Strike) -> None:
    _sender(world, strike).volume = 1.0


def _rename(world: World, strike: Strike) -> None:
    _sender(world, strike).sent_as = f"{strike.model}-unlisted"


def _name_as_before(world: World, strike: Strike) -> None:
    _sender(world, strike).sent_as = ""


def _start_pilot(world: World, _strike: Strike) -> None:
    world.production.add(PILOT)
    world.production.senders[PILOT].per_day /= 4


def _stop_pilot(world: World, _strike: Strike) -> None:
    del world.production.senders[PILOT]


def _set_share(world: World, strike: Strike, *, of_model: float, of_others: float) -> None:
    for sender in world.production.senders.values():
        sender.volume = of_model if sender.model == strike.model else of_others


def _drop(world: World, strike: Strike, *, name: str) -> None:
    _sender(world, strike).omitted.add(name)


def _restore(world: World, strike: Strike, *, name: str) -> None:
    _sender(world, strike).omitted.discard(name)


def _lose_type(world: World, strike: Strike) -> None:
    _sender(world, strike).absent_types.add("loans")


def _regain_type(world: World, strike: Strike) -> None:
    _sender(world, strike).absent_types.discard("loans")


def _set_rated(world: World, strike: Strike, *, rated: float) -> None:
    _sender(world, strike).rated = rated


def _break_records(world: World, strike: Strike) -> None:
    sender = _sender(world, strike)
    sender.malformed, sender.has_wrong_times = 0.3 + 0.5 * strike.size, strike.size < 0.5


def _mend_records(world: World, strike: Strike) -> None:
    _sender(world, strike).malformed = 0.0


def _send_late(world: World, strike: Strike) -> None:
    """Deliver records of the week that was evaluated last, a tenth to a half of them."""
    monday = strike.begin.replace(hour=0, minute=0, second=0, microsecond=0)
    monday -= timedelta(days=monday.weekday())
    n = round((0.1 + 0.4 * strike.size) * 7 * _sender(world, strike).per_day)
    late = world.production.send_late(strike.model, n, monday - 7 * DAY, monday - HOUR)
    world.topic.append(late)


def _late_bounds(size: float) -> tuple[float, float]:
    n = (0.1 + 0.4 * size) * 7 * Sender("").per_day
    return 0.95 * n, 1.05 * n


def _shift_prompts(world: World, strike: Strike) -> None:
    _sender(world, strike).new_topic = 0.4 + 0.3 * strike.size


def _shift_prompts_back(world: World, strike: Strike) -> None:
    _sender(world, strike).new_topic = 0.0


def _fail_requests(world: World, strike: Strike) -> None:
    _sender(world, strike).resolved = 0.5 - 0.3 * strike.size


def _serve_requests(world: World, strike: Strike) -> None:
    _sender(world, strike).resolved = 0.9


def _judge_worse(world: World, strike: Strike) -> None:
    _sender(world, strike).judge = 2.8 - 0.8 * strike.size


def _judge_as_before(world: World, strike: Strike) -> None:
    _sender(world, strike).judge = JUDGE


def _named(pattern: str) -> str:
    """Return the pattern of a name that is quoted, or called what it is."""
    return rf"['“\"`]{pattern}\b|(metric|field) {pattern}\b|\b{pattern} (fell|\d)"


def _usual_share(name: str, least: float, most: float) -> Figure:
    return Figure(rf"“{name}”, usually on ([\d.]+)%", lambda _: (least, most))


def _missing_value(name: str) -> Fault:
    """Return the fault of a metric or field that is no longer sent."""
    word = _named(name.replace("_", "[_ ]"))
    if name == "task_type":  # each of them is missing
        word = f"{word}|task type “"
    return Fault(
        name=f"{name} not sent",
        begin=partial(_drop, name=name),
        end=partial(_restore, name=name),
        lasts=SIGNAL_LASTS,
        promised=SIGNAL_WITHIN,
        says=(r"\b{model}\b", word, SIGNAL),
        acts=r"release|production|producer|send|field|metadata",
        ends_within=50 * HOUR,
        lingers=30 * HOUR,
        resolution=DAY,
        touches=name,
        # Late records of the week before may lack it, too.
        figures=(_usual_share(name.replace("_", " "), 80, 100),),
    )


#: Of 200 exchanges a day four come in an hour of the night: until some have, nobody can know.
NIGHTLY = {"ends_within": 8 * HOUR, "lingers": 6 * HOUR, "grain_for": 6 * HOUR}
DRIFT = {
    "by_looks": True,
    "lasts": (30 * HOUR, 44 * HOUR),
    "promised": 26 * HOUR,
    # The window that holds it is evaluated after its end, and names it.
    "lingers": 30 * DAY,
    "resolution": DAY,
}

OF_TRAFFIC = (
    Fault(
        name="traffic stops",
        begin=partial(_set_volume, least=0.0, most=0.0),
        end=_restore_volume,
        lasts=(26 * HOUR, 40 * HOUR),
        promised=25 * HOUR,
        says=(r"\b{model}\b", NO_TRAFFIC),
        acts=r"production still serves|dead-letters|driftwarden check",
        **NIGHTLY,
        resolution=2 * HOUR,
        touches="volume",
    ),
    Fault(
        name="traffic falls",
        # Of 200 exchanges a day it is promised down to this part.
        begin=partial(_set_volume, least=0.03, most=0.15),
        end=_restore_volume,
        lasts=SIGNAL_LASTS,
        promised=SIGNAL_WITHIN,
        says=(r"\b{model}\b", NO_TRAFFIC),
        acts=r"production|producer|dead-letters|driftwarden",
        ends_within=50 * HOUR,
        lingers=30 * HOUR,
        resolution=DAY,
        touches="volume",
    ),
    Fault(
        name="share falls",
        begin=partial(_set_share, of_model=0.3, of_others=5.0),
        end=partial(_set_share, of_model=1.0, of_others=1.0),
        lasts=(52 * HOUR, 60 * HOUR),
        # With quiet weekends.
        promised=50 * HOUR,
        says=(r"\b{model}\b", NO_TRAFFIC),
        acts=r"production|producer|dead-letters|driftwarden",
        ends_within=50 * HOUR,
        lingers=30 * HOUR,
        resolution=DAY,
        is_alone=True,
        touches="volume",
    ),
    Fault(
        name="model renamed",
        begin=_rename,
        end=_name_as_before,
        lasts=(26 * HOUR, 40 * HOUR),
        promised=25 * HOUR,
        says=(r"\b{model}\b", NO_TRAFFIC),
        # The new name is told on the Monday after.
        also=("nobody watches", r"{model}-unlisted"),
        acts=r"production serves|renamed|driftwarden check",
        **NIGHTLY,
        resolution=2 * HOUR,
        touches="volume",
    ),
    Fault(
        name="model that nobody lists",
        begin=_start_pilot,
        end=_stop_pilot,
        begins_at=(3, 12),
        lasts=(90 * HOUR, 90 * HOUR),
        # Once a week, of the week that has ended.
        promised=3 * DAY + 12 * HOUR + 15 * MINUTE,
        says=("nobody watches", PILOT),
        acts=r"config\.toml",
        lingers=8 * DAY,
        of_model=False,
        touches="pilot",
    ),
    *map(_missing_value, ("resolved", "judge", "latency", "user", "task_type")),
    Fault(
        name="task type not sent",
        begin=_lose_type,
        end=_regain_type,
        lasts=SIGNAL_LASTS,
        promised=SIGNAL_WITHIN,
        says=(r"\b{model}\b", _named("loans"), SIGNAL),
        acts=r"production|producer|send|task",
        ends_within=50 * HOUR,
        # A look calls it a change of the prompts: it is one.
        also=(DRIFT_OF, r"\b{model}\b", "prompt"),
        figures=(_usual_share("loans", 20, 45),),
        lingers=30 * HOUR,
        resolution=DAY,
        touches="task_type",
    ),
    Fault(
        name="feedback stops",
        begin=partial(_set_rated, rated=0.0),
        end=partial(_set_rated, rated=RATED),
        lasts=SIGNAL_LASTS,
        promised=SIGNAL_WITHIN,
        says=(r"\b{model}\b", "feedback", SIGNAL),
        figures=(_usual_share("thumbs_up", 30, 50),),
        acts=r"production|producer|send|feedback",
        ends_within=50 * HOUR,
        lingers=30 * HOUR,
        resolution=DAY,
        touches="feedback",
    ),
    Fault(
        name="records unreadable",
        begin=_break_records,
        end=_mend_records,
        lasts=(9 * HOUR, 12 * HOUR),
        # It takes 20 dead letters: of a small model the busy hours of a working day.
        promised=8 * HOUR,
        begins_at=(1, 8),
        says=("dead letter|could not be read",),
        acts=r"dead-letters",
        ends_within=30 * HOUR,
        lingers=26 * HOUR,
        touches="volume",
    ),
    Fault(
        name="records late",
        begin=_send_late,
        lasts=(3 * HOUR, 3 * HOUR),
        promised=HOUR,
        says=(rf"{TITLE}exchanges arrived late", r"\b{model}\b"),
        figures=(Figure(r"([\d,]+) exchanges? of this week arrived", _late_bounds),),
        acts=r"--again",
        # They stay late until a person evaluates the week again.
        lingers=30 * DAY,
        touches="late",
        grain=5 * MINUTE,
    ),
    Fault(
        name="new prompts",
        begin=_shift_prompts,
        end=_shift_prompts_back,
        # The drill's responses name the topic, too.
        says=(DRIFT_OF, r"\b{model}\b", r"prompt|topic|responses are unlike|: responses\b"),
        # Of the topics that were asked before less than half is left.
        also=(SIGNAL, r"\b{model}\b", "task type"),
        acts=r"incidents|topic|prompt|deploy|release|review|baseline",
        touches="prompts",
        **DRIFT,
    ),
    Fault(
        name="requests unresolved",
        begin=_fail_requests,
        end=_serve_requests,
        says=(DRIFT_OF, r"\b{model}\b", _named("resolved")),
        figures=(
            Figure(r"'resolved' fell (?:by \d+% \()?from ([\d.]+)", lambda _: (0.8, 0.98)),
            Figure(r"'resolved' fell .{0,20}\bto ([\d.]+)", lambda size: (0.4 - 0.3 * size, 0.85)),
        ),
        acts=r"deploy|release|roll|version|change|review|baseline",
        touches="resolved",
        **DRIFT,
    ),
    Fault(
        name="judge scores fall",
        begin=_judge_worse,
        end=_judge_as_before,
        says=(DRIFT_OF, r"\b{model}\b", _named("judge")),
        figures=(Figure(r"'judge' fell (?:by \d+% \()?from ([\d.]+)", lambda _: (3.9, 4.5)),),
        acts=r"deploy|release|roll|version|change|review|baseline",
        touches="judge",
        **DRIFT,
    ),
)
