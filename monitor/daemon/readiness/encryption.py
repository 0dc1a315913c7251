"""Checks that passwords and texts leave this machine encrypted only."""

import os
from collections.abc import Iterable
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from monitor.daemon.readiness.finding import Finding, note, ok, open_connection
from monitor.plurals import pluralize
from monitor.settings import Sections
from monitor.settings.secrets import secret_variables
from monitor.settings.secrets.database_url import database_hosts, is_this_machine
from monitor.settings.secrets.files import secret_files
from monitor.settings.web import Web

#: How far back the access log is read.
FORWARDED_WITHIN = timedelta(days=7)


def database_encryption_finding(settings: Sections) -> Finding:
    """Check that a database on another machine proves its identity."""
    from monitor.store.engine import parse_url

    url = parse_url(settings.database.url)
    if url.get_backend_name() != "postgresql":
        return ok("not needed: a file")
    query = {key: ",".join((value,) if isinstance(value, str) else value)
             for key, value in url.query.items()}  # fmt: skip
    hosts = database_hosts(settings.database.url)
    if all(map(is_this_machine, hosts)):
        return ok("not needed: on this machine")
    mode = query.get("sslmode") or os.environ.get("PGSSLMODE") or "prefer"
    if mode == "verify-full":
        return ok("sslmode verify-full")
    problem = (
        "the server's name is not checked"
        if mode == "verify-ca"
        else "connections may be unencrypted"
        if mode in {"disable", "allow", "prefer"}
        else "any server is accepted"
    )
    return note(
        f"sslmode {mode} to {', '.join(filter(None, hosts))}: {problem}, so another machine can "
        "read the password and the texts; add ?sslmode=verify-full&sslrootcert=FILE to "
        "database.url"
    )


def broker_encryption_finding(settings: Sections) -> Finding:
    """Check that no password or token goes to the brokers of another machine unencrypted."""
    kafka = settings.kafka
    if kafka.uses_tls:
        return ok(f"{kafka.security_protocol}")
    hosts = [address.strip().rpartition(":")[0] for address in kafka.bootstrap_servers.split(",")]
    if all(is_this_machine(host.strip("[]")) for host in hosts):
        return ok("not needed: on this machine")
    remedy = "use a TLS listener, kafka.security_protocol = {!r} and kafka.ssl_cafile"
    if not kafka.uses_sasl:
        return note(
            f"{kafka.security_protocol} brings the texts of end users unencrypted; "
            f"{remedy.format('SSL')}"
        )
    sent = {"PLAIN": "the password", "OAUTHBEARER": "the token"}.get(
        kafka.sasl_mechanism, "what allows to guess the password"
    )
    return note(
        f"SASL_PLAINTEXT sends {sent} of {kafka.sasl_mechanism} and the texts of end users "
        f"unencrypted; {remedy.format('SASL_SSL')}"
    )


def addresses_finding(settings: Sections) -> Finding:
    """Check that no texts, alerts or passwords go over http:// to another machine."""
    alerts = settings.alerts
    named = {
        "alerts.public_url": alerts.public_url,
        "alerts.heartbeat_url": alerts.heartbeat_url,
    }
    for name, channel in alerts.all_channels.items():
        named[f"alerts.channels.{name}.url"] = channel.url
        if channel.kind == "apprise":
            named |= _address_of_apprise(name)
    for of_model in settings.by_model:
        retrain, rollout = of_model.retrain, of_model.rollout
        addresses = {
            "probes.url": of_model.probes.url,
            "retrain.judge.url": retrain.judge.url,
            "retrain.previous.url": retrain.previous.url,
            "retrain.mlflow.tracking_url": retrain.mlflow.tracking_url,
            "rollout.litellm.url": rollout.litellm.url if rollout.gateway == "litellm" else "",
        }
        named |= {key: address for key, address in addresses.items() if address}
    open_to_readers = sorted(key for key, address in named.items() if _is_unencrypted(address))
    if not open_to_readers:
        return ok("https, or on this machine")
    return note(f"unencrypted to another machine: {_listed(open_to_readers)}; use https")


def visitors_finding(settings: Sections) -> Finding:
    """Check that the access log can tell where visitors of a public page come from."""
    web = settings.web
    if is_this_machine(web.host) or any(
        not is_this_machine(proxy) for proxy in web.trusted_proxies
    ):
        return ok("their addresses are known")
    return note(
        f"web.host = {web.host!r}: behind a proxy on another machine, the access log and the "
        "delays after failed sign-ins know the proxy's address only; name it in "
        "web.trusted_proxies"
    )


def forwarded_finding(settings: Sections, now: datetime) -> Finding:
    """Check that no address of the access log was forwarded by a peer trusted by default only.

    Any program on this machine can forge such an address.
    """
    from monitor.store.access_log import forwarding_peers

    if settings.web.trusted_proxies != Web().trusted_proxies:
        return ok("from proxies that web.trusted_proxies names")
    with open_connection(settings) as connection:
        peers = forwarding_peers(connection, now - FORWARDED_WITHIN)
    if not peers:
        return ok("none")
    n_addresses = pluralize(sum(peers.values()), "address")
    return note(
        f"access log: {n_addresses} of this week forwarded by {_listed(sorted(peers))}, which is "
        "trusted by default only: any program on this machine can forge them; set "
        f"web.trusted_proxies to your proxy, such as {[min(peers)]}, or to []"
    )


def _address_of_apprise(name: str) -> dict[str, str]:
    """Return the variable of an address, and an address of its scheme and host only."""
    from apprise import Apprise

    from monitor.settings.secrets import channel_secret, channel_variable

    service = Apprise.instantiate(channel_secret(name), suppress_exceptions=True)
    host = getattr(service, "host", None)
    if not host or getattr(service, "secure", True):
        return {}
    return {channel_variable(name): f"http://{host}"}


def secret_files_finding(settings: Sections) -> Finding:
    """Check that only the daemon's user can read the files with secrets."""
    files = secret_files(secret_variables(settings))
    exposed = [file for file in files if file.is_readable_by_all]
    if exposed:
        named = ", ".join(f"{file.variable} = {file.path}" for file in exposed)
        return note(f"every user can read {named}; set the mode to 0400 or 0440")
    if not files:
        return ok("from the environment")
    n_files = pluralize(len(files), "file")
    return ok(f"{n_files}: {_listed(file.variable for file in files)}")


def _is_unencrypted(address: str) -> bool:
    """Return whether an address is of another machine, by http."""
    parts = urlsplit(address)
    return parts.scheme == "http" and not is_this_machine(parts.hostname or "")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
