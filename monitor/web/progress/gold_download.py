"""The download of gold for leads, as `driftwarden review export` writes it."""

from typing import Any, Literal

import msgspec
from litestar.di import NamedDependency
from litestar.exceptions import ValidationException
from litestar.params import URLEncodedBody
from litestar.response import Response

from monitor.review.export.export_files import ExportRequest, build_export
from monitor.store.audit_log import append_entry
from monitor.store.review.gold_export import ItemFilter
from monitor.web.access.audience import LEADS, texts
from monitor.web.current_user import Visit
from monitor.web.handlers import post


class Download(msgspec.Struct, frozen=True):
    """The format of a download."""

    format: Literal["sft", "preference", "label-studio"] = "sft"


@post("/progress/export", opt=LEADS | texts("gold"))
def export(
    lead_visit: NamedDependency[Visit], data: URLEncodedBody[dict[str, Any]]
) -> Response[str]:
    """Return the gold of a model as a file; the audit log has who took it."""
    try:
        chosen = msgspec.convert(data, Download)
    except msgspec.ValidationError as error:
        raise ValidationException(str(error)) from error
    model = lead_visit.model
    if model is None:
        if len(lead_visit.choices) != 1:
            raise ValidationException("choose a model first")
        model = lead_visit.choices[0].name
    request = ExportRequest(format=chosen.format, out=None, item_filter=ItemFilter(model=model))
    with lead_visit.transaction() as connection:
        made = build_export(connection, lead_visit.settings.settings_of(model), request)
        details = {"rows": made.n_rows, "format": chosen.format, "bare": False, "queue": False}
        append_entry(
            connection, lead_visit.now, lead_visit.user.name, "exported", made.place, details
        )
    suffix = "json" if chosen.format == "label-studio" else "jsonl"
    return Response(
        made.text,
        media_type="application/octet-stream",
        headers={"Content-Disposition": f'attachment; filename="gold-{chosen.format}.{suffix}"'},
    )


HANDLERS = (export,)
