"""Faults of the daemon, its services, its channels and its reviewers."""

from datetime import timedelta
from functools import partial

from tests.game_days.faults import DAY, HOUR, MINUTE, TITLE, Fault, Figure, Strike
from tests.game_days.world.channels import CHANNELS, SLACK
from tests.game_days.world.world import World
from tests.services.live_endpoint import scripted

#: Records that retention deletes before they are read.
N_LOST = 40


def _stop_broker(world: World, _strike: Strike) -> None:
    world.topic.is_available = False


def _start_broker(world: World, _strike: Strike) -> None:
    world.topic.is_available = True


def _stop_ingest(world: World, _strike: Strike) -> None:
    world.ingests = False


def _start_ingest(world: World, _strike: Strike) -> None:
    world.ingests = True


def _lose_records(world: World, strike: Strike) -> None:
    model = next(iter(world.production.senders))
    lost = world.production.send_late(model, N_LOST, strike.begin - HOUR, strike.begin)
    world.topic.append(lost)
    world.topic.delete_before(world.topic.end)


def _set_database(world: World, _strike: Strike, *, is_away: bool) -> None:
    world.set_database(is_away=is_away)


def _stop_daemon(world: World, _strike: Strike) -> None:
    world.ingests = world.leads = False


def _start_daemon(world: World, _strike: Strike) -> None:
    world.start()
    world.ingests = world.leads = True


def _stop_leader(world: World, _strike: Strike) -> None:
    world.leads = False


def _start_leader(world: World, _strike: Strike) -> None:
    world.start()
    world.leads = True


def _stop_job(world: World, _strike: Strike, *, job: str) -> None:
    world.stopped_jobs[job] += 1


def _start_job(world: World, _strike: Strike, *, job: str) -> None:
    world.stopped_jobs[job] -= 1


#: All jobs but the heartbeats, which are sent by a thread of their own.
JOBS = {"evaluate", "look", "probe", "index", "tidy", "advance", "watch", "deliver"}


def _hang_leader(world: World, _strike: Strike) -> None:
    world.stopped_jobs.update(JOBS)


def _replace_leader(world: World, _strike: Strike) -> None:
    world.stopped_jobs.subtract(JOBS)
    world.start()


def _break_task(world: World, _strike: Strike, *, task: str) -> None:
    world.broken_tasks.add(task)


def _mend_task(world: World, _strike: Strike, *, task: str) -> None:
    world.broken_tasks.discard(task)


def _silence_endpoint(world: World, _strike: Strike) -> None:
    world.endpoint.fault = lambda _: (503, b"{}")


def _mend_endpoint(world: World, _strike: Strike) -> None:
    world.endpoint.fault = lambda _: None


def _damage_benchmarks(world: World, _strike: Strike) -> None:
    world.damage_benchmarks()


def _mend_benchmarks(world: World, _strike: Strike) -> None:
    world.mend_benchmarks()


def _swap_model(world: World, _strike: Strike) -> None:
    world.endpoint.model = scripted("two")


def _swap_model_back(world: World, _strike: Strike) -> None:
    world.endpoint.model = scripted("one")


def _set_backups(world: World, _strike: Strike, *, are_stopped: bool) -> None:
    world.backups.is_stopped = are_stopped


def _send_reviewers_away(world: World, _strike: Strike) -> None:
    world.reviewers.are_away = True


def _bring_reviewers_back(world: World, _strike: Strike) -> None:
    world.reviewers.are_away = False


def _fail_channel(world: World, strike: Strike, *, channel: str) -> None:
    if channel == SLACK and strike.size < 0.5:
        world.servers.remove_bot()
    else:
        world.servers.fail(channel)


def _mend_channel(world: World, _strike: Strike, *, channel: str) -> None:
    world.servers.mend(channel)


def _channel_refuses(channel: str) -> Fault:
    return Fault(
        name=f"{channel} refuses",
        begin=partial(_fail_channel, channel=channel),
        end=partial(_mend_channel, channel=channel),
        lasts=(70 * MINUTE, 150 * MINUTE),
        # Counted from the begin; the other fault's message is due after 25 minutes at most.
        promised=45 * MINUTE,
        says=(rf"\b{channel}\b", "taken no message|not delivered|takes no message"),
        acts=r"driftwarden check",
        # The time for which it must be clear doubles where it comes back.
        ends_within=5 * HOUR,
        resolution=5 * MINUTE,
        of_model=False,
        touches=f"channel {channel}",
        disturbs=(channel,),
        needs="broker away",
        grain=5 * MINUTE,
        grain_for=50 * MINUTE,
    )


def _alias(strike: Strike) -> str:
    return f"{strike.model}-listed"


def _rename_with_alias(world: World, strike: Strike) -> None:
    world.aliases[strike.model] = [_alias(strike)]
    world.start()
    world.production.senders[strike.model].sent_as = _alias(strike)


def _rename_back(world: World, strike: Strike) -> None:
    world.production.senders[strike.model].sent_as = ""


def _remove_model(world: World, strike: Strike) -> None:
    world.models.remove(strike.model)
    world.start()


def _list_model(world: World, strike: Strike) -> None:
    world.models.append(strike.model)
    world.start()


#: Only the service that takes the heartbeats tells of it.
SILENT = {
    "says": ("heartbeat",),
    "ends_within": 10 * MINUTE,
    "of_model": False,
    "touches": "ingest",
    "blinds": True,
    "disturbs": CHANNELS,
    "grain": 5 * MINUTE,
}
STALLED = {
    # Without ingest the heartbeat is silent, too.
    "says": ("ingest|nothing was read|stalled|heartbeat",),
    "acts": r"driftwarden check",
    "of_model": False,
    "blinds": True,
    "grain": 5 * MINUTE,
    "grain_for": 25 * MINUTE,
}

OF_SERVICES = (
    Fault(
        name="broker away",
        begin=_stop_broker,
        end=_start_broker,
        lasts=(25 * MINUTE, 5 * HOUR),
        promised=17 * MINUTE,
        ends_within=5 * HOUR,
        resolution=2 * MINUTE,
        touches="ingest",
        **STALLED,
    ),
    Fault(
        name="ingest stopped",
        begin=_stop_ingest,
        end=_start_ingest,
        lasts=(25 * MINUTE, 5 * HOUR),
        promised=17 * MINUTE,
        ends_within=5 * HOUR,
        resolution=2 * MINUTE,
        touches="ingest",
        **STALLED,
    ),
    Fault(
        name="records lost",
        begin=_lose_records,
        lasts=(DAY, DAY),
        promised=2 * MINUTE,
        says=(rf"{TITLE}records lost",),
        # More where another fault keeps ingest from reading.
        figures=(Figure(r"([\d,]+) records? of partition", lambda _: (N_LOST, 1000)),),
        acts=r"retention",
        ends_within=3 * HOUR,
        lingers=2 * HOUR,
        of_model=False,
        touches="lost",
        grain=5 * MINUTE,
        grain_for=5 * MINUTE,
    ),
    Fault(
        name="evaluation fails",
        begin=partial(_break_task, task="evaluate_claimed"),
        end=partial(_mend_task, task="evaluate_claimed"),
        begins_at=(6, 22),
        lasts=(6 * HOUR, 20 * HOUR),
        # It is due ten minutes after the window's end, two hours after the begin.
        promised=2 * HOUR + 15 * MINUTE,
        says=(rf"{TITLE}drift evaluation failed",),
        acts=r"log|driftwarden check",
        ends_within=3 * HOUR,
        of_model=False,
        touches="evaluation",
        grain_for=3 * HOUR,
    ),
    Fault(
        name="looks stop",
        begin=partial(_stop_job, job="look"),
        end=partial(_start_job, job="look"),
        lasts=(8 * HOUR, 30 * HOUR),
        # Three hours after one was due: at the next full hour, and ten minutes for late records.
        promised=4 * HOUR + 15 * MINUTE,
        says=(rf"{TITLE}looks for large changes overdue",),
        acts=r"driftwarden check|log",
        ends_within=4 * HOUR,
        resolution=2 * HOUR,
        of_model=False,
        touches="looks",
    ),
    Fault(
        name="looks fail",
        begin=partial(_break_task, task="run_look"),
        end=partial(_mend_task, task="run_look"),
        lasts=(8 * HOUR, 30 * HOUR),
        # Three hours after one was due: at the next full hour, and ten minutes for late records.
        promised=4 * HOUR + 15 * MINUTE,
        says=(rf"{TITLE}looks for large changes overdue",),
        acts=r"driftwarden check|log",
        ends_within=4 * HOUR,
        resolution=2 * HOUR,
        of_model=False,
        touches="looks",
    ),
    Fault(
        name="evaluations stop",
        begin=partial(_stop_job, job="evaluate"),
        end=partial(_start_job, job="evaluate"),
        begins_at=(6, 22),
        lasts=(32 * HOUR, 40 * HOUR),
        # A day after the window's end, and two hours for ingest.
        promised=28 * HOUR + 15 * MINUTE,
        says=(rf"{TITLE}drift evaluation overdue",),
        acts=r"driftwarden check",
        ends_within=3 * HOUR,
        of_model=False,
        touches="evaluation",
    ),
    Fault(
        name="follow-up stops",
        begin=partial(_stop_job, job="advance"),
        end=partial(_start_job, job="advance"),
        begins_at=(6, 22),
        lasts=(32 * HOUR, 40 * HOUR),
        promised=28 * HOUR + 15 * MINUTE,
        # Without it the heartbeat is silent, too.
        says=("overdue|follow|heartbeat",),
        acts=r"driftwarden check|log",
        ends_within=3 * HOUR,
        of_model=False,
        touches="evaluation",
    ),
    Fault(
        name="backups stop",
        begin=partial(_set_backups, are_stopped=True),
        end=partial(_set_backups, are_stopped=False),
        lasts=(56 * HOUR, 80 * HOUR),
        # Twice the interval after the last one, which may be a day old.
        promised=50 * HOUR,
        says=(rf"{TITLE}backup overdue",),
        figures=(Figure(r"one about every (\d+) hours", lambda _: (23, 25)),),
        acts=r"db backup",
        ends_within=26 * HOUR,
        resolution=25 * HOUR,
        of_model=False,
        touches="backups",
    ),
    Fault(
        name="probes unanswered",
        begin=_silence_endpoint,
        end=_mend_endpoint,
        lasts=(18 * HOUR, 30 * HOUR),
        promised=15 * HOUR,
        says=(rf"{TITLE}probes not answered", r"\b{model}\b"),
        acts=r"probes run|probes\.url",
        ends_within=15 * HOUR,
        lingers=13 * HOUR,
        resolution=13 * HOUR,
        models=("desk",),
        touches="probes",
    ),
    Fault(
        name="model swapped",
        begin=_swap_model,
        end=_swap_model_back,
        lasts=(30 * HOUR, 44 * HOUR),
        promised=26 * HOUR,
        says=(r"\b{model}\b", "served model changed|no longer responds as"),
        acts=r"deployed|probes accept",
        ends_within=28 * HOUR,
        lingers=13 * HOUR,
        resolution=13 * HOUR,
        models=("desk",),
        touches="probes",
    ),
    Fault(
        name="reviewers away",
        begin=_send_reviewers_away,
        end=_bring_reviewers_back,
        begins_at=(0, 8),
        lasts=(100 * HOUR, 100 * HOUR),
        promised=3 * DAY + 3 * HOUR,
        says=(rf"{TITLE}review queue not worked",),
        acts=r"reviewers|review queue",
        ends_within=80 * HOUR,
        resolution=DAY,
        of_model=False,
        touches="reviewers",
    ),
    Fault(
        name="model removed",
        begin=_remove_model,
        end=_list_model,
        lasts=(3 * HOUR, 8 * HOUR),
        promised=10 * MINUTE,
        says=(r"\b{model}\b", "no longer watched"),
        acts=r"config\.toml",
        lingers=HOUR,
        is_alone=True,
        touches="configuration",
        grain=5 * MINUTE,
        grain_for=15 * MINUTE,
    ),
    *map(_channel_refuses, CHANNELS),
    Fault(
        name="daemon dead",
        begin=_stop_daemon,
        end=_start_daemon,
        lasts=(40 * MINUTE, 5 * HOUR),
        promised=20 * MINUTE,
        acts="",
        grain_for=25 * MINUTE,
        **SILENT,
    ),
    Fault(
        name="leader hangs",
        begin=_hang_leader,
        end=_replace_leader,
        lasts=(70 * MINUTE, 5 * HOUR),
        # 15 minutes until the heartbeats stop, and the grace of their service.
        promised=35 * MINUTE,
        acts="driftwarden check",
        grain_for=45 * MINUTE,
        **SILENT,
    ),
    Fault(
        name="database away",
        begin=partial(_set_database, is_away=True),
        end=partial(_set_database, is_away=False),
        lasts=(40 * MINUTE, 3 * HOUR),
        promised=20 * MINUTE,
        acts="",
        grain_for=25 * MINUTE,
        **SILENT,
    ),
)

#: What looks like a fault and is none: nobody is disturbed.
QUIET = (
    Fault(
        name="deploy",
        begin=partial(_stop_daemon),
        end=_start_daemon,
        lasts=(2 * MINUTE, 10 * MINUTE),
        promised=None,
        of_model=False,
        touches="ingest",
        grain=5 * MINUTE,
        grain_for=20 * MINUTE,
    ),
    Fault(
        name="leader killed",
        begin=_stop_leader,
        end=_start_leader,
        lasts=(timedelta(seconds=25), timedelta(seconds=35)),
        promised=None,
        of_model=False,
        touches="leader",
        grain=5 * MINUTE,
        grain_for=5 * MINUTE,
    ),
    Fault(
        name="broker restarts",
        begin=_stop_broker,
        end=_start_broker,
        lasts=(2 * MINUTE, 10 * MINUTE),
        promised=None,
        of_model=False,
        touches="ingest",
        grain=5 * MINUTE,
        grain_for=20 * MINUTE,
    ),
    Fault(
        name="slack refuses briefly",
        begin=partial(_fail_channel, channel=SLACK),
        end=partial(_mend_channel, channel=SLACK),
        lasts=(3 * MINUTE, 12 * MINUTE),
        promised=None,
        of_model=False,
        touches=f"channel {SLACK}",
        disturbs=(SLACK,),
        grain=5 * MINUTE,
        grain_for=20 * MINUTE,
    ),
    Fault(
        # The prompts of the probes are stored.
        name="benchmarks unreadable",
        begin=_damage_benchmarks,
        end=_mend_benchmarks,
        lasts=(20 * HOUR, 40 * HOUR),
        promised=None,
        models=("desk",),
        touches="benchmarks",
    ),
    Fault(
        name="model renamed with an alias",
        begin=_rename_with_alias,
        end=_rename_back,
        lasts=(30 * HOUR, 44 * HOUR),
        promised=None,
        is_alone=True,
        touches="name",
    ),
    Fault(
        name="holiday of two days",
        begin=_send_reviewers_away,
        end=_bring_reviewers_back,
        begins_at=(1, 8),
        lasts=(2 * DAY, 2 * DAY),
        promised=None,
        of_model=False,
        touches="reviewers",
    ),
)
