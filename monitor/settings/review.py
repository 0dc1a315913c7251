"""The review, and the page on which it happens."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from monitor.settings.field_types import Level, Port, Section, Share, is_https_or_loopback


class Review(Section):
    """The experts' queue."""

    queue: Literal["every_window", "on_drift"] = "every_window"
    weekly_budget: Annotated[int, Field(ge=1)] = 100
    control_share: Share = 0.60
    drift_share: Share = 0.28
    verdict_weeks: Annotated[int, Field(ge=0)] = 0
    lease_minutes: Annotated[float, Field(gt=0)] = 20.0
    audit_share: Share = 0.10
    baseline_error_rate: Share = 0.08
    baseline_reviews: Annotated[int, Field(ge=1)] = 400
    window_weeks: Annotated[int, Field(ge=1)] = 4
    confidence: Level = 0.99
    minimum_drifted_gold: Annotated[int, Field(ge=1)] = 50
    minimum_agreement: Share = 0.667
    minimum_answers: Annotated[int, Field(ge=1)] = 30
    taxonomy: str = ""

    @model_validator(mode="after")
    def _shares_leave_room(self) -> "Review":
        if self.control_share + self.drift_share > 1:
            raise ValueError("control_share + drift_share must not exceed 1")
        return self


class OpenIdConnect(Section):
    """Single sign-on by OpenID Connect; needs `driftwarden[oidc]`."""

    issuer: str = ""
    client_id: str = ""
    label: str = "single sign-on"
    scopes: tuple[str, ...] = ("openid", "email", "profile")
    identity_claim: str = "email"
    require_verified_email: bool = True
    name_claim: str = "name"
    allowed_domains: tuple[str, ...] = ()
    groups_claim: str = "groups"
    allowed_groups: tuple[str, ...] = ()
    create_people: bool = False
    default_role: Literal["reviewer", "adjudicator"] = "reviewer"

    @model_validator(mode="after")
    def _is_whole(self) -> "OpenIdConnect":
        if not self.issuer:
            return self
        if not self.client_id:
            raise ValueError("client_id must be set where issuer is")
        if "openid" not in self.scopes:
            raise ValueError('scopes must hold "openid"')
        if not is_https_or_loopback(self.issuer):
            raise ValueError("issuer must be an https:// address (http:// on loopback only)")
        if self.create_people and not (self.allowed_domains or self.allowed_groups):
            raise ValueError("create_people needs allowed_domains or allowed_groups")
        return self


class Web(Section):
    """The review page, health and metrics."""

    host: str = "127.0.0.1"
    port: Port = 8080
    secure_cookies: bool = False
    trusted_proxies: tuple[str, ...] = ("127.0.0.1", "::1")
    passwords: bool = True
    invitation_days: Annotated[float, Field(gt=0, le=90)] = 7.0
    oidc: OpenIdConnect = OpenIdConnect()

    @model_validator(mode="after")
    def _lets_somebody_in(self) -> "Web":
        if not self.passwords and not self.oidc.issuer:
            raise ValueError("passwords = false needs oidc.issuer: nobody could sign in")
        return self
