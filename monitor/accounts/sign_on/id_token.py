"""Validation of ID tokens: signature, audience, nonce and time."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any

from monitor.errors import SignOnError

#: Signatures with the provider's private key: neither ``none`` nor those with a shared secret.
ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA", "Ed25519"),
)
LEEWAY_SECONDS = 60
#: Claim -> why a token with a wrong one is refused.
REASONS = {
    "iss": "it names another issuer",
    "aud": "it was issued for another client",
    "azp": "it was issued for another client",
    "nonce": "it belongs to another sign-in",
    "exp": "it has expired; compare the clocks of both machines",
    "iat": "it was issued in the future; compare the clocks of both machines",
    "nbf": "it isn't valid yet; compare the clocks of both machines",
    "at_hash": "it belongs to another access token",
}

Claims = Mapping[str, Any]


def check_id_token(
    tokens: Claims,
    *,
    signing_keys: Callable[[bool], Any],
    algorithms: Collection[str],
    issuer: str,
    client_id: str,
    nonce: str,
    now: datetime,
) -> dict[str, Any]:
    """Validate an ID token's signature and claims, and return the claims.

    ``tokens`` is the provider's token response, with ``id_token`` and perhaps ``access_token``.
    ``signing_keys`` returns the provider's keys (a ``KeySet``); ``True`` bypasses the cache. The
    algorithms are those in the provider's metadata, the client's id is the expected audience, and
    the nonce is that of the authorization request.

    Raises:
        SignOnError: The token is not valid; the message says why.
    """
    from authlib.oidc.core import CodeIDToken
    from joserfc.errors import BadSignatureError, JoseError

    try:
        token = _decode(tokens["id_token"], signing_keys, algorithms)
        claims = CodeIDToken(
            token.claims,
            token.header,
            options={
                "iss": {"essential": True, "value": issuer},
                "aud": {"essential": True, "value": client_id},
                "sub": {"essential": True},
            },
            params={
                "nonce": nonce,
                "client_id": client_id,
                "access_token": tokens.get("access_token"),
            },
        )
        claims.validate(now=int(now.timestamp()), leeway=LEEWAY_SECONDS)
    except BadSignatureError:
        raise SignOnError("the token was refused: its signature is not the provider's") from None
    except JoseError as error:
        reason = REASONS.get(str(getattr(error, "claim", "")), str(error))
        raise SignOnError(f"the token was refused: {reason}") from None
    except (ValueError, TypeError) as error:
        raise SignOnError(f"the provider's token can't be parsed: {error}") from None
    return dict(claims)


def _decode(id_token: str, signing_keys: Callable[[bool], Any], algorithms: Collection[str]) -> Any:
    from joserfc import jwt
    from joserfc.errors import InvalidKeyIdError
    from joserfc.jws import JWSRegistry

    allowed = [name for name in ALGORITHMS if name in algorithms]
    registry = JWSRegistry(algorithms=allowed, strict_check_header=False)
    try:
        return jwt.decode(id_token, signing_keys(False), registry=registry)
    except InvalidKeyIdError:  # the provider has rotated its keys
        return jwt.decode(id_token, signing_keys(True), registry=registry)
