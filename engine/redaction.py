"""Secrets never leave the process in words: whatever is logged, served or written as status goes through here."""

import dataclasses
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

from engine.duty.settings import Secret

STARS = "***"

IN_URL = re.compile(r"(\w://[^\s:/@'\"]*:)[^\s@/'\"]+@")
IN_HEADER = re.compile(r"((?:[Bb]earer|[Bb]asic|[Tt]oken)\s+)(?![a-z]+(?:\W|$))[A-Za-z0-9._~+/=-]{8,}")
IN_QUERY = re.compile(r"([?&](?:access_token|token|key|secret|sign|password)=)[^&\s'\"]+", re.IGNORECASE)
"""What looks like a secret wherever it comes from: a password or a key in an address, a token in a header."""


class Redaction:
    """Puts stars in the place of secrets.

    >>> redaction = Redaction(["sword fish"])
    >>> redaction.text("secret 'sword fish', as an address sword%20fish")
    "secret '***', as an address ***"
    >>> redaction.text("postgresql://outfall:hunter2@db/outfall, Authorization: Bearer 0123456789abcdef")
    'postgresql://outfall:***@db/outfall, Authorization: Bearer ***'
    >>> redaction.text("http://127.0.0.1:9/send?access_token=0123&x=1 refused")
    'http://127.0.0.1:9/send?access_token=***&x=1 refused'
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {form for secret in secrets if secret for form in _forms(secret)}
        longest_first = sorted(forms, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if forms else None

    def text(self, text: str) -> str:
        """The text without them."""
        if self._known is not None:
            text = self._known.sub(STARS, text)
        if "://" in text:
            text = IN_QUERY.sub(rf"\1{STARS}", IN_URL.sub(rf"\1{STARS}@", text))
        return IN_HEADER.sub(rf"\1{STARS}", text)


def redaction_of(config: object) -> Redaction:
    """For every secret that stands anywhere in a configuration."""
    return Redaction(secret.reveal() for secret in secrets_in(config))


def secrets_in(value: Any) -> Iterator[Secret]:
    """Every `Secret` in dataclasses, mappings and sequences, however deep."""
    if isinstance(value, Secret):
        yield value
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from secrets_in(getattr(value, field.name))
    elif isinstance(value, Mapping):
        yield from secrets_in(tuple(value.values()))
    elif isinstance(value, tuple | list):
        for one in value:
            yield from secrets_in(one)


def _forms(secret: str) -> set[str]:
    """A secret as it may be written: plain, in an address, in a representation of Python; and each of these in JSON."""
    forms = {secret, repr(secret)[1:-1], repr(secret.encode())[2:-1], quote(secret, safe=""), quote_plus(secret)}
    return forms | {json.dumps(form, ensure_ascii=ascii_)[1:-1] for form in forms for ascii_ in (True, False)}
