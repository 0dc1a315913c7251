"""One measured figure, as the areas that are measured from a checkout only make it too."""

from monitor.bench.row import Row

__all__ = ["Row"]
