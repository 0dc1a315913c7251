"""Metric of Evidently that holds a figure; importing this imports Evidently, which takes 5 s."""

from collections.abc import Sequence
from typing import Any

from evidently._pydantic_compat import PrivateAttr
from evidently.core.datasets import Dataset
from evidently.core.metric_types import (
    MetricTestResult,
    SingleValue,
    SingleValueCalculation,
    SingleValueMetric,
)
from evidently.core.report import Context
from evidently.legacy.renderers.html_widgets import (
    CounterData,
    WidgetSize,
    counter,
    plotly_figure,
    table_data,
)
from evidently.legacy.tests.base_test import TestStatus
from plotly import graph_objects

from monitor.rendering.wording import VERDICTS
from monitor.windows.report.evidently_content import Figure, Interval, SnapshotContent
from monitor.windows.report.evidently_names import distinct, plain

#: Names of figures, the last of which decides whether there is a row.
NUMERIC_COLUMNS = ("mean", "reference mean", "effect size")
CHANGE_COLUMNS = ("change", "change, lower", "change, upper", "p-value, adjusted")
TOPIC_COLUMNS = ("topic", "exchanges", "share", "share of the reference", "times as frequent")


class Driftwarden(SingleValueMetric):  # type: ignore[misc] # evidently publishes no types
    """A figure of a comparison by driftwarden: ``figure`` of ``of``.

    Its value is no field: dashboards draw one line for each combination of fields.
    """

    of: str
    figure: str
    _figure: Figure = PrivateAttr()
    _widgets: list[Any] = PrivateAttr(default_factory=list)


class DriftwardenCalculation(SingleValueCalculation[Driftwarden]):  # type: ignore[misc]
    """The calculation of a figure: it is there already."""

    def display_name(self) -> str:
        """Return the name of the figure."""
        return f"driftwarden, {self.metric.of}: {self.metric.figure}"

    def calculate(self, context: Context, current: Dataset, reference: Dataset) -> SingleValue:  # noqa: ARG002
        """Return the value, with the outcome of its test."""
        figure = self.metric._figure  # noqa: SLF001 - of the metric itself
        result = self.result(figure.value)
        result.widget = list(self.metric._widgets)  # noqa: SLF001
        if figure.status is not None:
            result.set_tests([self._test(figure)])
        return result

    def _test(self, figure: Figure) -> MetricTestResult:
        return MetricTestResult(
            id="driftwarden",
            name=f"driftwarden: {self.metric.of}",
            description=figure.explanation,
            metric_config=self.to_metric_config(),
            test_config={},
            status=TestStatus(figure.status.upper()) if figure.status else TestStatus.SKIPPED,
        )


def make_metrics(content: SnapshotContent) -> list[Driftwarden]:
    """Return a metric for each figure; the first shows the summary."""
    names = _plain_names(content)
    metrics = []
    for figure in content.figures:
        metric = Driftwarden(of=names[figure.of], figure=figure.name)
        metric._figure = figure  # noqa: SLF001 - of the metric itself
        metrics.append(metric)
    metrics[0]._widgets = _summary(content, names)  # noqa: SLF001
    return metrics


def _plain_names(content: SnapshotContent) -> dict[str, str]:
    """Return the names without markup; those of metrics come from the traffic."""
    names = list(dict.fromkeys(figure.of for figure in content.figures))
    return dict(zip(names, distinct([plain(name) for name in names]), strict=True))


def _summary(content: SnapshotContent, names: dict[str, str]) -> list[Any]:
    counters = [CounterData("driftwarden", VERDICTS[content.verdict])]
    counters += [
        CounterData(f"{figure.of}: {figure.name}", f"{figure.value:,.4g}")
        for figure in content.figures
        if figure.name in {"exchanges", "p-value"}
    ]
    widgets = [counter(counters=counters, size=WidgetSize.FULL)]
    if content.shares:
        title = "Drifted shares with their 95% intervals"
        widgets.append(plotly_figure(title=title, figure=_draw(content.shares)))
    if content.topics:
        widgets.append(
            table_data(title="Topics", column_names=list(TOPIC_COLUMNS), data=content.topics)
        )
    changes = _rows(content.figures, names, CHANGE_COLUMNS)
    if changes:
        widgets.append(
            table_data(
                title="Changes of the responses given the prompts",
                column_names=["descriptor", "change", "lower (95%)", "upper (95%)", "p, adjusted"],
                data=changes,
            )
        )
    numeric = _rows(content.figures, names, NUMERIC_COLUMNS)
    if numeric:
        columns = ["metric or descriptor", "mean", "reference mean", "effect size"]
        widgets.append(
            table_data(title="Metrics and descriptors", column_names=columns, data=numeric)
        )
    return widgets


def _draw(shares: list[Interval]) -> graph_objects.Figure:
    bars = {
        "type": "data",
        "symmetric": False,
        "array": [share.upper - share.estimate for share in shares],
        "arrayminus": [share.estimate - share.lower for share in shares],
    }
    figure = graph_objects.Figure(
        graph_objects.Scatter(
            x=[share.estimate for share in shares],
            y=[share.name for share in shares],
            error_x=bars,
            mode="markers",
            marker={"size": 10},
        )
    )
    figure.update_layout(template="plotly_white", margin={"t": 20, "b": 40})
    figure.update_xaxes(tickformat=".0%", rangemode="tozero")
    figure.update_yaxes(autorange="reversed")
    return figure


def _rows(figures: list[Figure], names: dict[str, str], columns: Sequence[str]) -> list[list[str]]:
    """Return a row of text for each subject that has the last of the columns."""
    rows: dict[str, dict[str, float]] = {}
    for figure in figures:
        rows.setdefault(names[figure.of], {})[figure.name] = figure.value
    return [
        [of, *(f"{values[name]:.4g}" if name in values else "" for name in columns)]
        for of, values in rows.items()
        if columns[-1] in values
    ]
