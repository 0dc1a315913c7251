"""Throttling of failed sign-ins, shared by all replicas."""

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine

from monitor.store.accounts.sign_in_attempts import (
    Attempts,
    blocked_until_latest,
    decrement_failures,
    lock_attempts,
    reset_attempts,
    save_attempts,
    trim_attempts,
)
from monitor.store.engine import transaction

FIRST_WAIT = timedelta(seconds=30)
#: Keys without an attempt for this long are deleted.
MEMORY = timedelta(days=1)
#: The most keys stored; the oldest are deleted first.
CAPACITY = 10_000


@dataclass(frozen=True)
class Allowance:
    """Failures that are free, and the longest wait; each further failure doubles the wait."""

    free: int
    longest_wait: timedelta


#: For a name at an address: users mistype.
BOTH = Allowance(5, timedelta(minutes=15))
#: For an address, over all names.
ADDRESS = Allowance(30, timedelta(minutes=15))
#: For a name, over all addresses: they may be forged by a program on a trusted proxy's machine. The
#: wait is short, because anybody can impose it on the user.
NAME = Allowance(20, timedelta(minutes=1))


class SignInThrottle:
    """Counters of failed sign-ins by name, by address, and by both."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def begin_attempt(self, name: str, address: str, now: datetime) -> float:
        """Return the seconds to wait; 0 allows the attempt and counts a failure in advance.

        Counting in advance keeps a hundred concurrent guesses from being free.
        """
        keys = self._keys(name, address)
        with transaction(self._engine) as connection:
            # A blocked client writes no rows, however many names it tries.
            until = blocked_until_latest(connection, list(keys))
        if until is not None and until > now:
            return (until - now).total_seconds()
        with transaction(self._engine) as connection:
            known = {key: lock_attempts(connection, key, now) for key in sorted(keys)}
            until = max(now, *(attempts.blocked_until or now for attempts in known.values()))
            if until == now:
                for key, attempts in known.items():
                    save_attempts(connection, key, _next_failure(attempts, keys[key], now), now)
        with transaction(self._engine) as connection:
            trim_attempts(connection, older_than=now - MEMORY, capacity=CAPACITY)
        return (until - now).total_seconds()

    def record_success(self, name: str, address: str) -> None:
        """Undo the failure counted in advance; delete those of the name at this address."""
        with transaction(self._engine) as connection:
            for key, allowance in sorted(self._keys(name, address).items()):
                if allowance is BOTH:
                    reset_attempts(connection, key)
                else:
                    decrement_failures(connection, key, allowance.free)

    @staticmethod
    def _keys(name: str, address: str) -> dict[str, Allowance]:
        name, network = name.strip().casefold()[:200], _network(address)
        return {
            f"both:{network}:{name}": BOTH,
            f"address:{network}": ADDRESS,
            f"name:{name}": NAME,
        }


def _next_failure(attempts: Attempts, allowance: Allowance, now: datetime) -> Attempts:
    failures = attempts.failures + 1
    if failures < allowance.free:
        return Attempts(failures)
    wait = FIRST_WAIT * 2 ** min(failures - allowance.free, 20)
    return Attempts(failures, now + min(wait, allowance.longest_wait))


def _network(address: str) -> str:
    """Return the key of an address: for IPv6 its /64 network, which one client owns."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
