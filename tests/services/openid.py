"""A local OpenID provider: discovery, keys, PKCE, and signed tokens."""

import base64
import hashlib
import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from tests.services.http_server import serving
from tests.support.present import utc_now

CLIENT_ID = "driftwarden client"
CLIENT_SECRET = "a secret: with a colon"
ADA = {"sub": "ada-1", "email": "ada@bank.example", "email_verified": True, "name": "Ada L."}

Claims = dict[str, Any]


def new_key(kid: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig", "alg": "RS256"})


@cache
def usual_key() -> RSAKey:
    """Return the key of each provider, which takes longer to generate than most of its tests."""
    return new_key("first")


@dataclass
class Provider:
    """A provider with scripted faults.

    Attributes:
        user_claims: Claims of the user who is signed in at the provider.
        mend: Changes the claims of an ID token before the signature.
        sign: Signs claims; a test can replace it.
        userinfo: Response of the userinfo endpoint.
        metadata: Overrides of the discovery document.
        denies: Error that the provider returns instead of a code.
    """

    url: str = ""
    key: RSAKey = field(default_factory=usual_key)
    user_claims: Claims = field(default_factory=lambda: dict(ADA))
    mend: Callable[[Claims], Claims] = lambda claims: claims
    sign: Callable[[Claims], str] | None = None
    userinfo: Claims = field(default_factory=dict)
    metadata: Claims = field(default_factory=dict)
    denies: str = ""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    requests: list[dict[str, str]] = field(default_factory=list)

    def describe(self) -> Claims:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "none"],
            **self.metadata,
        }

    def authorize(self, query: dict[str, str]) -> str:
        """Return the redirect after the sign-in at the provider."""
        self.requests.append(query)
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        response = {"state": query["state"], "iss": self.url}
        if self.denies:
            response["error"] = self.denies
        else:
            response["code"] = secrets.token_urlsafe(16)
            self.codes[response["code"]] = query
        return f"{query['redirect_uri']}?{urlencode(response)}"

    def exchange(self, form: dict[str, str], client: tuple[str, str]) -> tuple[int, Claims]:
        """Return the tokens of a code; every code works once."""
        query = self.codes.pop(form.get("code", ""), None)
        if query is None:
            return 400, {"error": "invalid_grant"}
        challenge = hashlib.sha256(form["code_verifier"].encode()).digest()
        if base64.urlsafe_b64encode(challenge).rstrip(b"=").decode() != query["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        if client != (CLIENT_ID, CLIENT_SECRET) or form["redirect_uri"] != query["redirect_uri"]:
            return 401, {"error": "invalid_client"}
        now = int(utc_now().timestamp())
        claims = {
            "iss": self.url, "aud": CLIENT_ID, "iat": now, "exp": now + 300,
            "nonce": query["nonce"], **self.user_claims,
        }  # fmt: skip
        signed = (self.sign or self.sign_properly)(self.mend(claims))
        return 200, {"id_token": signed, "access_token": "an access token", "token_type": "Bearer"}

    def sign_properly(self, claims: Claims) -> str:
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, self.key)

    def keys(self) -> Claims:
        return dict(KeySet([self.key]).as_dict(private=False))


class _Handler(BaseHTTPRequestHandler):
    provider: Provider

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        if parts.path == "/.well-known/openid-configuration":
            self._respond(200, self.provider.describe())
        elif parts.path == "/keys":
            self._respond(200, self.provider.keys())
        elif parts.path == "/authorize":
            self.send_response(302)
            self.send_header("Location", self.provider.authorize(query))
            self.end_headers()
        elif self.headers.get("Authorization") == "Bearer an access token":
            self._respond(200, self.provider.userinfo)
        else:
            self._respond(401, {"error": "invalid_token"})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {key: values[0] for key, values in parse_qs(body).items()}
        credentials = base64.b64decode(self.headers.get("Authorization", "").removeprefix("Basic "))
        name, _, secret = credentials.decode().partition(":")
        self._respond(*self.provider.exchange(form, (unquote_plus(name), unquote_plus(secret))))

    def _respond(self, status: int, body: Claims) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def running_provider() -> Iterator[Provider]:
    """Run a provider on a free port."""
    provider = Provider()
    handler = type("Handler", (_Handler,), {"provider": provider})
    with serving(handler) as provider.url:
        yield provider
