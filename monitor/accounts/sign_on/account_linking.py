"""Account linking: the user of a provider's claims, invited or created."""

from datetime import datetime

from sqlalchemy import Connection

from monitor.accounts.registration import add_user, describe, grants_on
from monitor.accounts.sign_on.id_token import Claims
from monitor.accounts.user_names import MAX_NAME_LENGTH
from monitor.errors import InputError, SignOnError
from monitor.settings import OpenIdConnect
from monitor.store.accounts.users import (
    UserRow,
    is_name_taken,
    set_identity,
    user_by_claim,
    user_by_id,
    user_by_identity,
)
from monitor.store.audit_log import append_entry

ACTOR = "single sign-on"


def user_of_claims(
    connection: Connection, settings: OpenIdConnect, claims: Claims, now: datetime
) -> UserRow:
    """Return the user of validated claims.

    The first sign-in binds the provider's subject, which never changes, to the user; later ones
    match by the subject only. A reassigned e-mail address therefore opens no account.

    Raises:
        SignOnError: The user may not sign in; the message says why and whom to ask.
    """
    known_as = _text(claims, settings.identity_claim)
    if not known_as:
        raise SignOnError(
            f"the provider's claims have no {settings.identity_claim!r}; "
            "check web.oidc.identity_claim"
        )
    _check_allowed(settings, claims, known_as)
    identity = f"{settings.issuer} {claims['sub']}"
    user = user_by_identity(connection, identity)
    if user is None:
        user = _invited(connection, known_as)
        if user is None:
            user = _create(connection, settings, claims, known_as, now)
        if user.active:
            set_identity(connection, user.id, identity)
            append_entry(connection, now, ACTOR, "identity_bound", f"user:{user.name}")
    if not user.active:
        raise SignOnError(f"the account of {user.name} is deactivated; ask a lead")
    return user


def _check_allowed(settings: OpenIdConnect, claims: Claims, known_as: str) -> None:
    by_email = settings.identity_claim == "email" or settings.allowed_domains
    verified = claims.get("email_verified") in (True, "true")
    if by_email and settings.require_verified_email and not verified:
        raise SignOnError("your e-mail address is not verified by the provider; verify it there")
    domain = (_text(claims, "email") or known_as).rpartition("@")[2]
    domains = {name.casefold().lstrip("@") for name in settings.allowed_domains}
    if domains and domain.casefold() not in domains:
        raise SignOnError(f"e-mail domain {domain} is not allowed; ask a lead")
    claim = claims.get(settings.groups_claim, [])
    groups = [claim] if isinstance(claim, str) else claim if isinstance(claim, list) else []
    if settings.allowed_groups and not any(group in settings.allowed_groups for group in groups):
        raise SignOnError("you are not in a group that may sign in; ask a lead")


def _invited(connection: Connection, known_as: str) -> UserRow | None:
    user = user_by_claim(connection, known_as)
    if user is not None and user.has_identity:
        raise SignOnError(
            f"the account of {known_as} is linked to another identity; "
            "if it is yours, ask a lead to reset it"
        )
    return user


def _create(
    connection: Connection,
    settings: OpenIdConnect,
    claims: Claims,
    known_as: str,
    now: datetime,
) -> UserRow:
    if not settings.create_users:
        raise SignOnError(f"{known_as} has no account; ask a lead for an invitation")
    name = " ".join(_text(claims, settings.name_claim).split())[:MAX_NAME_LENGTH].strip()
    if not name.isprintable() or not name or is_name_taken(connection, name):
        name = known_as
    email = known_as if "@" in known_as else ""
    try:
        grants = grants_on(settings.default_models, settings.default_role)
        user_id = add_user(connection, name, grants, now, email=email)
    except InputError as error:
        raise SignOnError(f"no account was created for {known_as}: {error}") from None
    subject = f"user:{name}"
    append_entry(connection, now, ACTOR, "user_added", subject, describe(grants))
    user = user_by_id(connection, user_id)
    if user is None:
        raise SignOnError(f"the account of {known_as} was deleted meanwhile; sign in again")
    return user


def _text(claims: Claims, name: str) -> str:
    value = claims.get(name)
    return value.strip() if isinstance(value, str) else ""
