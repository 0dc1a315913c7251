"""Settings of the web server and of single sign-on."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import model_validator

from monitor.setting_types.durations import AnyDuration, Within
from monitor.setting_types.field_types import Port, Section, is_https_or_loopback


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
    create_users: bool = False
    default_role: Literal["reviewer", "adjudicator"] = "reviewer"
    default_models: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _is_complete(self) -> "OpenIdConnect":
        if not self.issuer:
            return self
        if not self.client_id:
            raise ValueError("client_id must be set where issuer is")
        if "openid" not in self.scopes:
            raise ValueError('scopes must hold "openid"')
        if not is_https_or_loopback(self.issuer):
            raise ValueError("issuer must be an https:// address (http:// on loopback only)")
        if self.create_users and not (self.allowed_domains or self.allowed_groups):
            raise ValueError("create_users needs allowed_domains or allowed_groups")
        return self


class Web(Section):
    """The review page, the API, health and metrics."""

    host: str = "127.0.0.1"
    port: Port = 8080
    secure_cookies: bool = False
    trusted_proxies: tuple[str, ...] = ("127.0.0.1", "::1")
    passwords: bool = True
    invitation_lifetime: Annotated[AnyDuration, Within(maximum="90d")] = timedelta(days=7)
    oidc: OpenIdConnect = OpenIdConnect()

    @property
    def url(self) -> str:
        """Its address on this machine."""
        local = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - no binding
        host = local.get(self.host, self.host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @model_validator(mode="after")
    def _has_a_way_to_sign_in(self) -> "Web":
        if not self.passwords and not self.oidc.issuer:
            raise ValueError("passwords = false needs oidc.issuer: nobody could sign in")
        return self
