"""OpenID Connect relying party: authorization code flow with PKCE, state and nonce."""

import secrets
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote_plus

import msgspec

from monitor.accounts.sign_on.id_token import Claims, check_id_token
from monitor.accounts.sign_on.transport import request_json
from monitor.errors import SignOnError
from monitor.extras import require_extras
from monitor.settings import OpenIdConnect, is_https_or_loopback

#: How long metadata and keys are cached.
CACHE_SECONDS = 3600.0


class Metadata(msgspec.Struct, frozen=True):
    """The part of a provider's metadata that is used."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    id_token_signing_alg_values_supported: tuple[str, ...] = ("RS256",)
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


class PendingSignOn(msgspec.Struct, frozen=True):
    """The state of a pending sign-in, stored on the server for one browser."""

    state: str
    nonce: str
    verifier: str
    #: The path to return to.
    target: str

    @classmethod
    def begin(cls, target: str) -> "PendingSignOn":
        """Create the state of a new sign-in with random secrets."""
        state, nonce, verifier = (secrets.token_urlsafe(48) for _ in range(3))
        return cls(state, nonce, verifier, target)


@dataclass
class _Cached:
    value: Any = None
    until: float = 0.0


class OpenIdProvider:
    """A client of an OpenID Connect provider.

    An empty secret is that of a public client. The provider sends the browser back to
    ``redirect_uri``.

    Raises:
        MissingExtraError: Authlib isn't installed.
    """

    def __init__(self, settings: OpenIdConnect, client_secret: str, redirect_uri: str) -> None:
        require_extras("web.oidc.issuer", "oidc")
        self.issuer = settings.issuer
        self.redirect_uri = redirect_uri
        self._settings = settings
        self._secret = client_secret
        self._metadata = _Cached()
        self._keys = _Cached()

    def metadata(self) -> Metadata:
        """Return the provider's metadata, cached.

        Raises:
            SignOnUnavailableError: The provider doesn't respond.
            SignOnError: The metadata is another issuer's, or names an endpoint without TLS.
        """
        if time.monotonic() >= self._metadata.until:
            self._metadata = _Cached(self._discover(), time.monotonic() + CACHE_SECONDS)
        value: Metadata = self._metadata.value
        return value

    def signing_keys(self, fresh: bool = False) -> Any:
        """Return the provider's public keys, a ``KeySet`` of joserfc, cached."""
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        if fresh or time.monotonic() >= self._keys.until:
            key_set: Any = request_json("GET", self.metadata().jwks_uri)
            try:
                keys = KeySet.import_key_set(key_set)
            except (JoseError, ValueError, KeyError, TypeError) as error:
                raise SignOnError(f"the provider's keys can't be parsed: {error}") from None
            self._keys = _Cached(keys, time.monotonic() + CACHE_SECONDS)
        return self._keys.value

    def authorization_url(self, pending: PendingSignOn) -> str:
        """Return the URL of the authorization request."""
        from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
        from authlib.oauth2.rfc7636 import create_s256_code_challenge

        address: str = prepare_grant_uri(
            self.metadata().authorization_endpoint,
            client_id=self._settings.client_id,
            response_type="code",
            redirect_uri=self.redirect_uri,
            scope=" ".join(self._settings.scopes),
            state=pending.state,
            nonce=pending.nonce,
            code_challenge=create_s256_code_challenge(pending.verifier),
            code_challenge_method="S256",
        )
        return address

    def redeem_code(self, code: str, pending: PendingSignOn, now: datetime) -> Claims:
        """Exchange an authorization code for an ID token and return its validated claims.

        Raises:
            SignOnUnavailableError: The provider doesn't respond.
            SignOnError: The provider refuses the code, or its token is not valid.
        """
        metadata = self.metadata()
        tokens = self._exchange(metadata, code, pending)
        claims = check_id_token(
            tokens,
            signing_keys=self.signing_keys,
            algorithms=metadata.id_token_signing_alg_values_supported,
            issuer=self.issuer,
            client_id=self._settings.client_id,
            nonce=pending.nonce,
            now=now,
        )
        endpoint, access_token = metadata.userinfo_endpoint, tokens.get("access_token")
        if self._settings.identity_claim in claims or not (endpoint and access_token):
            return claims
        userinfo = request_json(
            "GET", endpoint, headers={"Authorization": f"Bearer {access_token}"}
        )
        if userinfo.get("sub") != claims["sub"]:
            raise SignOnError("the provider's user info belongs to another subject than its token")
        return {**userinfo, **claims}

    def _discover(self) -> Metadata:
        address = self.issuer.rstrip("/") + "/.well-known/openid-configuration"
        try:
            metadata = msgspec.convert(request_json("GET", address), Metadata)
        except msgspec.ValidationError as error:
            raise SignOnError(f"no provider metadata at {address}: {error}") from None
        if metadata.issuer != self.issuer:
            raise SignOnError(
                f"web.oidc.issuer is {self.issuer!r}, but the provider's issuer is "
                f"{metadata.issuer!r}; make them equal, including the last slash"
            )
        for endpoint in (
            metadata.authorization_endpoint,
            metadata.token_endpoint,
            metadata.jwks_uri,
            metadata.userinfo_endpoint or self.issuer,
        ):
            if not is_https_or_loopback(endpoint):
                raise SignOnError(f"the provider's endpoint {endpoint!r} is not https://")
        return metadata

    def _exchange(self, metadata: Metadata, code: str, pending: PendingSignOn) -> Claims:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": pending.verifier,
        }
        options: dict[str, Any] = {"data": form}
        client_id = self._settings.client_id
        if self._secret and "client_secret_basic" in metadata.token_endpoint_auth_methods_supported:
            options["auth"] = (quote_plus(client_id), quote_plus(self._secret))
        else:
            form["client_id"] = client_id
            if self._secret:
                form["client_secret"] = self._secret
        tokens = request_json("POST", metadata.token_endpoint, **options)
        if not isinstance(tokens.get("id_token"), str):
            raise SignOnError(
                "the provider's response has no ID token; add `openid` to web.oidc.scopes"
            )
        return tokens
