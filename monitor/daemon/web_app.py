"""The web application: its routes, dependencies and middleware."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from litestar import Litestar, Router
from litestar.datastructures import CacheControlHeader, State
from litestar.di import Provide
from litestar.static_files import create_static_files_router
from litestar.stores.registry import StoreRegistry
from litestar.template import TemplateConfig
from sqlalchemy import Engine

from monitor.accounts.sessions import COOKIE, MAX_AGE, SessionConfig, SqlSessionStore
from monitor.extras import missing_extra
from monitor.settings import Secrets, Sections
from monitor.telemetry import Heartbeat
from monitor.traffic.redaction import build_redactor
from monitor.web import api, current_user, error_pages, health
from monitor.web.access import access_pages
from monitor.web.access.recording import RecordReads
from monitor.web.account import account_page
from monitor.web.candidates import candidate_pages, evaluation_file_page
from monitor.web.clock import Clock, utc_now
from monitor.web.decisions import decision_pages
from monitor.web.digest import digest_page
from monitor.web.drift import drift_pages
from monitor.web.exchanges import exchange_pages
from monitor.web.guidelines import guidelines_pages
from monitor.web.human_evaluation import human_evaluation_pages
from monitor.web.incidents import incident_pages
from monitor.web.models import model_pages, version_steps
from monitor.web.overview import overview_page
from monitor.web.progress import gold_download, progress_pages
from monitor.web.requests import request_pages
from monitor.web.review import review_pages, submitted_page
from monitor.web.runbooks import runbook_pages
from monitor.web.runs import plan_pages, run_pages, start_pages
from monitor.web.same_origin import SameOrigin
from monitor.web.security import add_security_headers, cookie_name, csrf_config, headers
from monitor.web.sign_in import invitation_page, single_sign_on_page
from monitor.web.sign_in.password_page import login_form, login_page, logout
from monitor.web.templates import page_folders, template_engine
from monitor.web.typed_text import REDACTOR, TellReplacements, TypedTextRequest
from monitor.web.users import user_pages
from monitor.windows.report.page import STYLES
from retrain.rollout.pages import rollout_pages, verdict_api
from retrain.rollout.pages.rollout_api import RolloutController

#: A larger request is refused before it is read.
MAX_BODY_BYTES = 2_000_000


def create_app(
    engine: Engine,
    settings: Sections,
    secrets: Secrets,
    *,
    clock: Clock = utc_now,
    heartbeats: Sequence[Heartbeat] = (),
    readiness: Sequence[health.Ready] = (),
) -> Litestar:
    """Build the application.

    The database has a current schema. The secrets are the key of the CSRF tokens and the client
    secret of single sign-on. Heartbeats are of the loops that /healthz reports; checks for /readyz
    each return a problem or ``None``.
    """
    secure = settings.web.secure_cookies
    provider = single_sign_on_page.connect(settings, secrets)
    sessions = SessionConfig(
        key=cookie_name(COOKIE, secure=secure),
        max_age=int(MAX_AGE.total_seconds()),
        secure=secure,
        exclude=["^/static/", "^/vendor/", "^/healthz$", "^/readyz$", "^/metrics$"],
    )
    return Litestar(
        route_handlers=[
            # In one router: Litestar 2.25 registers a handler again for each further handler on
            # the same path of the application, and wraps it in a thread twice.
            Router(
                "/",
                route_handlers=[
                    login_page,
                    login_form,
                    logout,
                    *invitation_page.HANDLERS,
                    *single_sign_on_page.HANDLERS,
                    *account_page.HANDLERS,
                    *review_pages.HANDLERS,
                    *start_pages.HANDLERS,
                    *plan_pages.HANDLERS,
                    *guidelines_pages.HANDLERS,
                ],
            ),
            user_pages.router,
            *access_pages.HANDLERS,
            *request_pages.HANDLERS,
            human_evaluation_pages.router,
            rollout_pages.router,
            *submitted_page.HANDLERS,
            *overview_page.HANDLERS,
            *progress_pages.HANDLERS,
            *gold_download.HANDLERS,
            *incident_pages.HANDLERS,
            *model_pages.HANDLERS,
            *version_steps.HANDLERS,
            *drift_pages.HANDLERS,
            *digest_page.HANDLERS,
            *exchange_pages.HANDLERS,
            *decision_pages.HANDLERS,
            *run_pages.HANDLERS,
            *runbook_pages.HANDLERS,
            *candidate_pages.HANDLERS,
            *evaluation_file_page.HANDLERS,
            *health.HANDLERS,
            Router("/api", route_handlers=[*api.HANDLERS, RolloutController, verdict_api.router]),
            _static("/static", "static", *page_folders("static"), STYLES),
            _static("/vendor/htmx", "htmx", _htmx_folder()),
        ],
        dependencies={
            "engine": Provide(lambda: engine, sync_to_thread=False),
            "settings": Provide(lambda: settings, sync_to_thread=False),
            "verdict_token": Provide(
                secrets.driftwarden_verdict_token.get_secret_value, sync_to_thread=False
            ),
            "clock": Provide(lambda: clock, sync_to_thread=False),
            "provider": Provide(lambda: provider, sync_to_thread=False),
            "heartbeats": Provide(lambda: heartbeats, sync_to_thread=False),
            "readiness": Provide(lambda: readiness, sync_to_thread=False),
            "visitor": Provide(current_user.visitor, sync_to_thread=False),
            "user": Provide(current_user.user),
            "visit": Provide(current_user.visit, sync_to_thread=True),
            "is_blind": Provide(current_user.is_blind, sync_to_thread=True),
            "lead_visit": Provide(current_user.lead_visit, sync_to_thread=True),
        },
        middleware=[
            SameOrigin(settings.alerts.public_url),
            sessions.middleware,
            RecordReads(engine, clock),
            TellReplacements(),
        ],
        request_class=TypedTextRequest,
        state=State({REDACTOR: build_redactor(settings.redaction)}),
        stores=StoreRegistry({"sessions": SqlSessionStore(engine, clock)}),
        csrf_config=csrf_config(engine, settings, secrets),
        template_config=TemplateConfig(instance=template_engine()),
        exception_handlers=error_pages.HANDLERS,
        before_send=[add_security_headers(headers(secure=secure))],
        request_max_body_size=MAX_BODY_BYTES,
        openapi_config=None,
        logging_config=None,  # the process configures logging
        debug=False,
    )


def _static(path: str, name: str, *folders: Path) -> Any:
    return create_static_files_router(
        path=path,
        directories=list(folders),
        name=name,
        cache_control=CacheControlHeader(max_age=300, private=True),
    )


def _htmx_folder() -> Path:
    spec = find_spec("django_htmx")
    if spec is None or not spec.submodule_search_locations:
        raise missing_extra("the page", "daemon", missing=["django-htmx"])
    return Path(spec.submodule_search_locations[0]) / "static" / "django_htmx"
