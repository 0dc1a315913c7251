"""Descriptors of a site's own: numbers that a function computes from each exchange."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import msgspec

from monitor.errors import InputError
from monitor.settings import Settings
from monitor.traffic.exchange import Exchange
from monitor.traffic.files.reading import FileContent


@dataclass(frozen=True, kw_only=True)
class OwnDescriptor:
    """A number that is computed from each exchange, and compared as a metric.

    Example:
        >>> from driftwarden import OwnDescriptor
        >>> OwnDescriptor(name="sources", function=lambda text: text.count("[")).of
        'response'
    """

    #: As reports show it; no exchange may have a metric of this name.
    name: str
    #: Returns a number, a boolean, or ``None`` for an exchange without one.
    function: Callable[[Any], Any]
    #: The argument of the function: a text, or the exchange as a dict with ``prompt``,
    #: ``response``, ``user``, ``model``, ``task_type`` and ``metadata``. Personal data is replaced
    #: in all of them.
    of: Literal["response", "prompt", "exchange"] = "response"
    #: Shown after its values, such as ``steps`` or ``of 5``.
    unit: str = ""
    #: Without a direction it is compared and never alarms.
    better: Literal["higher", "lower"] | None = None


def with_descriptors(settings: Settings, descriptors: Sequence[OwnDescriptor]) -> Settings:
    """Return settings with the directions and units of descriptors.

    Raises:
        InputError: Two have one name.
    """
    counts = Counter(descriptor.name for descriptor in descriptors)
    repeated = next((name for name, count in counts.items() if count > 1 or not name), None)
    if repeated is not None:
        raise InputError(
            f"descriptors: the name {repeated!r} is empty or of two; give each its own",
            code="descriptor_name",
        )
    drift = settings.drift
    names = {
        better: tuple(entry.name for entry in descriptors if entry.better == better)
        for better in ("higher", "lower")
    }
    units = {entry.name: entry.unit for entry in descriptors if entry.unit}
    update = {
        "higher_is_better": (*drift.higher_is_better, *names["higher"]),
        "lower_is_better": (*drift.lower_is_better, *names["lower"]),
        "units": {**drift.units, **units},
    }
    return settings.model_copy(update={"drift": drift.model_copy(update=update)})


def compute_descriptors(
    content: FileContent, descriptors: Sequence[OwnDescriptor], label: str
) -> FileContent:
    """Return the content of a side, whose exchanges have the descriptors as metrics.

    Raises:
        InputError: A function fails or returns no number, or an exchange has a metric of the name.
    """
    if not descriptors:
        return content
    exchanges = [
        _described(exchange, descriptors, f"{label}: exchange {index}")
        for index, exchange in enumerate(content.exchanges)
    ]
    return replace(content, exchanges=exchanges)


def _described(exchange: Exchange, descriptors: Sequence[OwnDescriptor], place: str) -> Exchange:
    values = {entry.name: _value(entry, exchange, place) for entry in descriptors}
    repeated = next((name for name in values if name in exchange.attributes), None)
    if repeated is not None:
        raise InputError(
            f"{place} has a metric {repeated!r} already; give the descriptor another name",
            code="descriptor_name",
        )
    known = {name: value for name, value in values.items() if value is not None}
    return msgspec.structs.replace(exchange, attributes=exchange.attributes | known)


def _value(descriptor: OwnDescriptor, exchange: Exchange, place: str) -> float | None:
    try:
        value = descriptor.function(_argument(descriptor.of, exchange))
        number = math.nan if value is None else float(value)
    except Exception as error:  # whatever the function raises
        raise InputError(
            f"{place}: the descriptor {descriptor.name!r} failed: {type(error).__name__}: {error}; "
            "return a number, or None where there is none",
            code="descriptor_failed",
        ) from error
    return number if math.isfinite(number) else None


def _argument(of: str, exchange: Exchange) -> Any:
    if of == "exchange":
        return {
            "prompt": exchange.prompt,
            "response": exchange.response,
            "user": exchange.end_user,
            "model": exchange.model,
            "task_type": exchange.task_type,
            "metadata": dict(exchange.attributes),
        }
    return exchange.prompt if of == "prompt" else exchange.response
