"""An action of a button in Slack, and the request of its press."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from monitor.settings import Sections, Settings
from monitor.store.accounts.users import UserRow
from monitor.store.alerts.slack_actions import PressRow


@dataclass(frozen=True)
class Request:
    """A press that was found allowed, in the transaction in which its action is done."""

    connection: Connection
    sections: Sections
    press: PressRow
    user: UserRow
    #: Empty: the daemon itself.
    model: str
    now: datetime

    @property
    def settings(self) -> Settings:
        """The settings of the model."""
        return self.sections.settings_of(self.model)


@dataclass(frozen=True, kw_only=True)
class Action:
    """The action of a button, for users who may lead on the model."""

    #: Kind of what it acts on: ``incident``, ``decision`` or ``rollout``.
    subject: str
    #: Does it, and returns the fields of the reply. A :class:`~monitor.errors.WorkflowError` or
    #: :class:`~monitor.errors.InputError` refuses the press with its message.
    run: Callable[[Request], Mapping[str, str]]
    #: Plain text for the user, with fields.
    reply: str
    #: Action and label of a button below the reply; such an action only shows data, and each press
    #: of its button runs it.
    next_button: tuple[str, str] | None = None
