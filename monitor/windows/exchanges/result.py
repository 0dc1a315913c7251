"""The assessment as a notebook has it: with its map, frames, figures and reports."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import msgspec

from monitor.store.windows import assessment as document

if TYPE_CHECKING:
    from monitor.store.windows.map_points import PromptMap


class Assessment(document.Assessment, frozen=True, kw_only=True, dict=True):
    """An assessment of exchanges; as JSON it is the document that ``compare --json`` prints."""

    @classmethod
    def of(cls, assessment: document.Assessment, prompt_map: "PromptMap | None" = None) -> Self:
        """Return the same assessment, with the map of its prompts."""
        fields = {name: getattr(assessment, name) for name in assessment.__struct_fields__}
        result = cls(**fields)
        result.__dict__["prompt_map"] = prompt_map
        return result

    @property
    def _map(self) -> "PromptMap | None":
        prompt_map: PromptMap | None = self.__dict__.get("prompt_map")
        return prompt_map

    def __reduce__(self) -> tuple[Any, ...]:
        """Keep the map in a pickle."""
        fields = {name: getattr(self, name) for name in self.__struct_fields__}
        return type(self).of, (document.Assessment(**fields), self._map)

    def __repr__(self) -> str:
        """Return the conclusion and its figures; never a text of the traffic in full."""
        from monitor.windows.exchanges.text import describe  # noqa: PLC0415 - of notebooks

        return describe(self)

    def _repr_html_(self) -> str:
        from monitor.windows.report.page import render_fragment  # noqa: PLC0415

        return render_fragment(self, prompt_map=self._map)

    def to_dict(self) -> dict[str, Any]:
        """Return the document in JSON's types; undefined numbers are ``None``."""
        content: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(self))
        return content

    def to_frame(self) -> Any:
        """Return a pandas frame: a row for each family, test, topic, descriptor and metric.

        Raises:
            ImportError: pandas is not installed.
        """
        from monitor.drift.presentation.frame import make_frame  # noqa: PLC0415
        from monitor.windows.exchanges.rows import rows_of_assessment  # noqa: PLC0415

        return make_frame(rows_of_assessment(self))

    def plot(self) -> Any:
        """Return a plotly figure: the map of the prompts, and shares with their intervals.

        Raises:
            ImportError: plotly is not installed.
        """
        from monitor.windows.exchanges.figure import figure_of_assessment  # noqa: PLC0415

        return figure_of_assessment(self, self._map)

    def report(self, path: str | Path) -> Path:
        """Write the report that ``compare --html`` writes, and return its path."""
        from monitor.private_files import write_private_text  # noqa: PLC0415
        from monitor.windows.report.page import render_page  # noqa: PLC0415

        target = Path(path)
        write_private_text(target, render_page(self, prompt_map=self._map), errors="replace")
        return target
