"""Libraries of tests that are imported where a test uses them, not by every worker."""

from importlib import import_module
from typing import Any


class LazyModule:
    """A module that is imported at the first use of one of its names."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("_"):  # pytest looks for `_mock_name` and `__wrapped__` everywhere
            raise AttributeError(attribute)
        return getattr(import_module(self._name), attribute)


pandas: Any = LazyModule("pandas")
polars: Any = LazyModule("polars")
torch: Any = LazyModule("torch")
datasets: Any = LazyModule("datasets")
arrow: Any = LazyModule("pyarrow")
