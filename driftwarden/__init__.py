"""Drift of a fine-tuned LLM's traffic: the public API.

Everything is imported where it is first used, so that ``import driftwarden`` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from driftwarden.own_packages import take_own_packages

if TYPE_CHECKING:
    from monitor.drift import (
        Cluster,
        DescriptorChange,
        DriftResult,
        ResponseDescriptor,
        SampleDesign,
        TestResult,
        compare,
        compare_given,
    )
    from monitor.errors import ConfigurationError, DriftwardenError, InputError, ModelError
    from monitor.settings import Settings, load_settings
    from monitor.windows.exchanges.arrays import to_assessment
    from monitor.windows.exchanges.comparison import compare_exchanges
    from monitor.windows.exchanges.own_descriptors import OwnDescriptor
    from monitor.windows.exchanges.result import Assessment
    from monitor.windows.report.evidently_snapshot import evidently_metrics, to_evidently

__all__ = [
    "Assessment",
    "Cluster",
    "ConfigurationError",
    "DescriptorChange",
    "DriftResult",
    "DriftwardenError",
    "InputError",
    "ModelError",
    "OwnDescriptor",
    "ResponseDescriptor",
    "SampleDesign",
    "Settings",
    "TestResult",
    "__version__",
    "compare",
    "compare_exchanges",
    "compare_given",
    "evidently_metrics",
    "load_settings",
    "to_assessment",
    "to_evidently",
]

_MODULES = {
    "monitor.drift": (
        *("Cluster", "DescriptorChange", "DriftResult", "ResponseDescriptor", "SampleDesign"),
        *("TestResult", "compare", "compare_given"),
    ),
    "monitor.errors": ("ConfigurationError", "DriftwardenError", "InputError", "ModelError"),
    "monitor.settings": ("Settings", "load_settings"),
    "monitor.windows.exchanges.arrays": ("to_assessment",),
    "monitor.windows.exchanges.comparison": ("compare_exchanges",),
    "monitor.windows.exchanges.own_descriptors": ("OwnDescriptor",),
    "monitor.windows.exchanges.result": ("Assessment",),
    "monitor.windows.report.evidently_snapshot": ("evidently_metrics", "to_evidently"),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}
#: Extra that a module needs.
_EXTRAS = {
    "monitor.settings": "text",
    "monitor.windows.exchanges.arrays": "text",
    "monitor.windows.exchanges.comparison": "text",
    "monitor.windows.exchanges.own_descriptors": "text",
    "monitor.windows.exchanges.result": "text",
    "monitor.windows.report.evidently_snapshot": "evidently",
}

take_own_packages("monitor")


def __getattr__(name: str) -> Any:
    if name == "__version__":
        value: Any = import_module("importlib.metadata").version("driftwarden")
    elif name in _MODULE_OF:
        value = _load(_MODULE_OF[name], name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def _load(module: str, name: str) -> Any:
    if module not in _EXTRAS:
        return getattr(import_module(module), name)
    from monitor.extras import require_extras, using_extras  # noqa: PLC0415 - see above

    purpose = f"driftwarden.{name}"
    require_extras(purpose, _EXTRAS[module])
    with using_extras(purpose, _EXTRAS[module]):
        return getattr(import_module(module), name)


def __dir__() -> list[str]:
    return __all__
