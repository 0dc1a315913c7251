"""API: the verdict on a rollout, for Argo Rollouts and Flagger, which show a token."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from litestar import Request, Router
from litestar.di import NamedDependency, Provide
from litestar.exceptions import (
    HTTPException,
    NotAuthorizedException,
    ServiceUnavailableException,
)
from litestar.params import FromPath
from litestar.response import Response
from sqlalchemy import Engine

from monitor.errors import NotFoundError
from monitor.settings import Sections
from monitor.store.engine import transaction
from monitor.store.model_history import models_with_history
from monitor.telemetry import get_logger
from monitor.web.access.audience import PROGRAMS
from monitor.web.clock import Clock
from monitor.web.handlers import get
from retrain.rollout.pages.verdict import Verdict, read_verdict

#: A shorter token could be guessed.
MIN_TOKEN = 20
#: Status of another verdict than the wanted one.
OTHER = 409

log = get_logger(__name__)


@dataclass(frozen=True)
class VerdictReader:
    """Reads verdicts for a controller that shows the token."""

    engine: Engine
    settings: Sections
    now: datetime
    #: ``DRIFTWARDEN_VERDICT_TOKEN``.
    token: str
    #: What the request shows; empty: nothing.
    bearer: str

    def require_token(self) -> None:
        """Require the token, in a time that doesn't depend on the one shown.

        Raises:
            ServiceUnavailableException: None is configured, or it is too short.
            NotAuthorizedException: Another token is shown, or none.
        """
        if len(self.token) < MIN_TOKEN:
            raise ServiceUnavailableException(
                f"verdicts are off: set DRIFTWARDEN_VERDICT_TOKEN, {MIN_TOKEN} characters or more"
            )
        if not hmac.compare_digest(self.bearer.encode(), self.token.encode()):
            log.warning("verdict_refused", reason="wrong token" if self.bearer else "no token")
            raise NotAuthorizedException("wrong or missing token")

    def read(self, model: str, fields: Mapping[str, str]) -> Verdict:
        """Return the verdict on a model; ``fields`` may have ``version`` and ``percent``.

        Raises:
            NotFoundError: There is no such model.
            HTTPException: A field is no number.
        """
        version, percent = (_number(name, fields.get(name, "")) for name in ("version", "percent"))
        with transaction(self.engine) as connection:
            known = {*self.settings.names.listed, *models_with_history(connection)} - {""}
            if model not in known:
                raise NotFoundError(f"there is no model {model}")
            return read_verdict(connection, model, self.now, version=version, percent=percent)


def create_reader(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    settings: NamedDependency[Sections],
    clock: NamedDependency[Clock],
    verdict_token: NamedDependency[str],
) -> VerdictReader:
    """Return the reader of a request."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    bearer = token.strip() if scheme.lower() == "bearer" else ""
    return VerdictReader(engine, settings, clock(), verdict_token, bearer)


@get("/verdict", opt=PROGRAMS)
def of_query(
    request: Request[Any, Any, Any], reader: NamedDependency[VerdictReader]
) -> Response[Verdict]:
    """Return the verdict on a model of any name, which the query has."""
    reader.require_token()
    return _respond(reader, request.query_params.get("model", ""), request)


@get("/{model:str}/verdict", opt=PROGRAMS)
def of_path(
    model: FromPath[str],
    request: Request[Any, Any, Any],
    reader: NamedDependency[VerdictReader],
) -> Response[Verdict]:
    """Return the verdict on a model whose name has no slash."""
    reader.require_token()
    return _respond(reader, model, request)


def _respond(
    reader: VerdictReader, model: str, request: Request[Any, Any, Any]
) -> Response[Verdict]:
    """Return a verdict; with ``wanted`` in the query, status 409 where it is another."""
    wanted = request.query_params.get("wanted", "")
    if wanted not in {"", "advance", "revert"}:
        raise HTTPException("wanted: advance or revert", status_code=400)
    verdict = reader.read(model, request.query_params)
    return Response(verdict, status_code=OTHER if wanted not in {"", verdict.verdict} else 200)


def _say_off(_request: Request[Any, Any, Any], error: ServiceUnavailableException) -> Response[Any]:
    """Respond that there are no verdicts: no error of the server."""
    return Response({"status_code": 503, "detail": error.detail}, status_code=503)


def _number(name: str, text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise HTTPException(f"{name}: a whole number", status_code=400)
    return int(text)


#: No session is needed, and none is read.
router = Router(
    "/rollouts",
    route_handlers=[of_query, of_path],
    exception_handlers={ServiceUnavailableException: _say_off},
    dependencies={"reader": Provide(create_reader, sync_to_thread=False)},
)
