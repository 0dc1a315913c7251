"""Routes: which channels get a message."""

from collections.abc import Mapping
from dataclasses import dataclass

from monitor.alerts.causes import CAUSES
from monitor.settings import AlertRoute, ChannelSettings, Sections
from monitor.settings.alerts import Level

#: Levels of messages without an incident.
LEVELS: Mapping[str, Level] = {"decision": "warning", "gate_result": "warning"}


def level_of(subject: str) -> Level:
    """Return the level of what a message is about."""
    cause = CAUSES.get(subject)
    return LEVELS.get(subject, "info") if cause is None else cause.level


@dataclass(frozen=True)
class Routes:
    """The channels of a configuration, and the rules that name them."""

    #: By name.
    channels: Mapping[str, ChannelSettings]
    rules: tuple[AlertRoute, ...]
    #: Name of the channel that speaks where another does not; empty: none.
    fallback: str = ""

    @classmethod
    def of(cls, settings: Sections) -> "Routes":
        """Return the routes of the settings.

        ``alerts.channel`` of a model is the short form of a channel with a rule about it.
        """
        shared = settings.alerts
        channels = dict(shared.all_channels)
        rules = []
        for of_model in settings.by_model:
            own = of_model.alerts.channel
            if own == shared.channel:
                continue
            name = f"{OWN}{own}"
            if own:
                channels[name] = ChannelSettings(kind="slack", channel=own)
            rules.append(AlertRoute(models=(of_model.model.name,), channels=(name,) if own else ()))
        return cls(channels, (*rules, *shared.routes), shared.fallback)

    def channels_of(self, model: str, subject: str) -> tuple[str, ...]:
        """Return the channels of a message: those of the first rule, or all but the fallback."""
        level = level_of(subject)
        for rule in self.rules:
            if rule.matches(model, subject, level):
                return rule.channels
        own = {name for rule in self.rules for name in rule.channels if name.startswith(OWN)}
        return tuple(name for name in self.channels if name not in {self.fallback, *own})


#: Beginning of the name of a model's own channel; no configured name has the sign.
OWN = "slack:"
