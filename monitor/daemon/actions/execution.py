"""Execution of presses: the leader takes each in its order, does its action, and replies."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine

from monitor.alerts.actions.replies import SlackReplies
from monitor.daemon.actions.table import ACTIONS
from monitor.errors import (
    ChannelRefusedError,
    ChannelUnavailableError,
    InputError,
    TransientError,
    WorkflowError,
)
from monitor.rendering.buttons import Target, action_block, button
from monitor.rendering.mrkdwn import build_message, escape, sections
from monitor.scheduling.actions import Action, Request
from monitor.settings import Sections
from monitor.store.accounts.users import UserRow, user_by_slack_id
from monitor.store.alerts.incident_events import list_events
from monitor.store.alerts.incidents import incident_by_id
from monitor.store.alerts.slack_actions import (
    Outcome,
    PressRow,
    done_press,
    finish_press,
    has_unfinished,
    mark_replied,
    oldest_press,
    unsent_replies,
)
from monitor.store.audit_log import append_entry
from monitor.store.engine import snapshot, transaction
from monitor.store.owners import model_of
from monitor.telemetry import get_logger

#: Later replies would puzzle more than they tell.
REPLIES_WITHIN = timedelta(minutes=30)

log = get_logger(__name__)


@dataclass(frozen=True)
class _Result:
    """The outcome of a press, and what the user is told."""

    outcome: Outcome
    reply: str
    #: A stable name of the reason of a refusal.
    code: str = ""


def act_on_presses(
    engine: Engine,
    settings: Sections,
    now: datetime,
    may_continue: Callable[[], bool] = lambda: True,
) -> int:
    """Do the actions of the stored presses, each in a transaction of its own; return the number.

    Each press is in the audit log, also a refused one. A press that fails is not tried again, so
    that it holds up no other.
    """
    with snapshot(engine) as connection:
        if not has_unfinished(connection):
            return 0
    done = 0
    while may_continue():
        with transaction(engine) as connection:
            press = oldest_press(connection)
            if press is None:
                break
            user = user_by_slack_id(connection, press.slack_user)
            result = _take(connection, settings, press, user, now)
            finish_press(connection, press.id, result.outcome, result.reply, now)
            details = {
                "action": press.action,
                "choice": press.choice,
                "version": press.version,
                "slack_user": press.slack_user,
                "outcome": result.outcome,
                "code": result.code,
            }
            actor = f"slack:{press.slack_user}" if user is None else user.name
            append_entry(connection, now, actor, "pressed", press.subject, details)
        log.info(
            "press_done",
            action=press.action,
            subject=press.subject,
            outcome=result.outcome,
            code=result.code,
        )
        done += 1
    return done


def send_replies(
    engine: Engine,
    replies: SlackReplies,
    now: datetime,
    may_continue: Callable[[], bool] = lambda: True,
) -> int:
    """Send the replies to the users; return the number sent.

    A reply is recorded before it is sent: one that is lost with the process is not repeated.
    """
    with snapshot(engine) as connection:
        waiting = unsent_replies(connection)
    sent = 0
    for press in waiting:
        if not may_continue():
            break
        with transaction(engine) as connection:
            mark_replied(connection, press.id, now)
        if press.done_at is None or now - press.done_at > REPLIES_WITHIN:
            continue
        try:
            replies.send(press.slack_user, press.slack_channel, reply_message(press))
        except ChannelRefusedError as error:
            log.warning("reply_not_sent", press=press.id, error=str(error))
        except ChannelUnavailableError as error:
            log.warning("reply_delayed", press=press.id, error=str(error))
            with transaction(engine) as connection:
                mark_replied(connection, press.id, None)
            break
        else:
            sent += 1
    return sent


def reply_message(press: PressRow) -> dict[str, Any]:
    """Return the payload of the reply to a press."""
    text = press.reply or ""
    blocks = sections(escape(line) for line in text.splitlines())
    action = ACTIONS.get(press.action)
    if press.outcome == "shown" and action is not None and action.next_button is not None:
        name, label = action.next_button
        target = Target(press.subject, press.version)
        blocks.append(action_block([button(name, label, target, style="primary")]))
    return build_message(blocks, text)


def _take(
    connection: Connection,
    settings: Sections,
    press: PressRow,
    user: UserRow | None,
    now: datetime,
) -> _Result:
    """Check a press and do its action; a refused or failed one changes nothing."""
    try:
        with connection.begin_nested():
            action = _action_of(press)
            user = _require_user(press, user)
            model = _require_permission(connection, press, action, user)
            request = Request(connection, settings, press, user, model, now)
            fields = action.run(request)
    except (WorkflowError, InputError) as error:
        return _Result("refused", f"Nothing was done: {error}.", error.code)
    except TransientError:
        raise
    except Exception:
        log.exception("press_failed", action=press.action, subject=press.subject)
        page = f"{settings.alerts.public_url.rstrip('/')}/incidents"
        return _Result("failed", f"This failed, and nothing was done. Use the page: {page}")
    subject = f"{action.subject} {press.subject_id}"
    if request.model:
        subject += f" of {request.model}"
    reply = action.reply.format(subject=subject, model=request.model, **fields)
    return _Result("done" if action.next_button is None else "shown", reply)


def _action_of(press: PressRow) -> Action:
    action = ACTIONS.get(press.action)
    if action is None or press.subject_kind != action.subject:
        raise WorkflowError(
            "this button is of another version of driftwarden", code="unknown_action"
        )
    return action


def _require_user(press: PressRow, user: UserRow | None) -> UserRow:
    if user is None:
        raise WorkflowError(
            "your Slack user is linked to no account of driftwarden. A lead or an admin links it "
            f"on the page Users, or by: driftwarden accounts slack NAME {press.slack_user}",
            code="no_account",
        )
    if not user.active:
        raise WorkflowError(f"the account {user.name} is deactivated", code="deactivated")
    return user


def _require_permission(
    connection: Connection, press: PressRow, action: Action, user: UserRow
) -> str:
    """Return the model of a press that the user may make, and that is not outdated.

    Raises:
        WorkflowError: It is not; the message says why, and what to do.
    """
    model = model_of(connection, action.subject, press.subject_id)
    if model is None:
        raise WorkflowError(
            f"there is no {action.subject} {press.subject_id}", code="unknown_subject"
        )
    if not user.is_lead_of(model):
        raise WorkflowError(
            f"your account {user.name} may not do this here: it needs the role lead, which a lead "
            "or an admin gives on the page Users",
            code="no_permission",
        )
    earlier = done_press(connection, press)
    if earlier is not None:
        author = user_by_slack_id(connection, earlier.slack_user)
        name = "another user" if author is None else author.name
        raise WorkflowError(f"{name} has pressed this button before", code="repeated")
    if action.subject == "incident":
        _require_current(connection, press)
    return model


def _require_current(connection: Connection, press: PressRow) -> None:
    """Require that an incident is as it was when the button was posted."""
    incident_id = press.subject_id
    incident = incident_by_id(connection, incident_id, lock=True)
    n_changes = incident.version - press.version
    changes = list_events(connection, incident_id)[-n_changes:] if n_changes > 0 else []
    # A note is in the thread; the message with the button stays as it is.
    if n_changes == len(changes) and all(change.event == "noted" for change in changes):
        return
    if incident.is_resolved:
        raise WorkflowError(f"incident {incident_id} is {incident.status}", code="resolved")
    raise WorkflowError(
        f"incident {incident_id} has changed since this message, and is {incident.status}; see its "
        "newest message",
        code="changed",
    )
