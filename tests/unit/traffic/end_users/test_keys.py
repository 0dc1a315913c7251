"""Keys of pseudonyms."""

import hashlib
import hmac
from base64 import b32encode

from monitor.privacy.erasure.quotes import NAME_LIMIT
from monitor.rendering.excerpts import excerpt
from monitor.traffic.end_users.keys import PSEUDONYM, Key, tag_of
from monitor.traffic.redaction import Redactor, pseudonym_of

KEY, OTHER = Key(b"k" * 32), Key(b"o" * 32)


def test_a_pseudonym_is_128_bits_of_hmac_sha_256() -> None:
    message = b"driftwarden.pseudonym\nann@example.org"
    digest = hmac.new(b"k" * 32, message, hashlib.sha256).digest()[:16]
    pseudonym = KEY.pseudonym("ann@example.org")
    assert pseudonym.rpartition("-")[2] == b32encode(digest).decode().lower().rstrip("=")
    assert pseudonym.startswith(f"user-{KEY.tag}-")


def test_pseudonyms_differ_by_key_and_use() -> None:
    assert KEY.pseudonym("a") != OTHER.pseudonym("a")
    assert KEY.check_value != OTHER.check_value
    assert KEY.suppression_digest("a") not in {KEY.check_value, KEY.pseudonym("a")}
    assert "kkkk" not in repr(KEY)


def test_a_pseudonym_names_its_key() -> None:
    assert tag_of(KEY.pseudonym("a")) == KEY.tag
    assert tag_of("ann@example.org") == ""
    assert tag_of(pseudonym_of("ann@example.org")) == ""


def test_pseudonyms_are_no_personal_data_and_fit_remarks() -> None:
    redactor = Redactor()
    for number in range(2000):
        pseudonym = KEY.pseudonym(str(number))
        assert PSEUDONYM.match(pseudonym)
        assert redactor.find(pseudonym) == []
        assert excerpt(pseudonym, NAME_LIMIT) == pseudonym
