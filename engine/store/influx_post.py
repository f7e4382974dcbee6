"""One request to InfluxDB, and what its answer means."""

import re
from dataclasses import dataclass
from enum import Enum

import orjson
from influxdb_client import InfluxDBClient, WritePrecision
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.rest import ApiException
from urllib3.exceptions import HTTPError

from engine.store.influx_settings import InfluxSettings

WORDS_CHARS = 500
DROPPED = re.compile(r" dropped=(\d+)")


class Meaning(Enum):
    """What an answer asks for."""

    STORED = "stored"
    LATER = "later"  # the same again, after a while: 429, 5xx, no answer
    BAD_LINES = "bad lines"  # some line of it: 400, 413, 422
    STOP = "stop"  # nothing will be taken until somebody changes something: 401, 403, 404 and the rest


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer, or that none came."""

    meaning: Meaning
    status: int = 0  # HTTP; 0: no answer
    words: str = ""  # the server's, with its status
    dropped: int | None = None  # lines it says it dropped; None: it does not say
    after_s: float | None = None  # when it says to come again; None: it does not say


STORED = Answer(meaning=Meaning.STORED, status=204)


class Poster:
    """Posts lines to a server."""

    def __init__(self, settings: InfluxSettings) -> None:
        self._settings = settings
        self._token = settings.token
        self.client = self._connect()
        self._write = self.client.write_api(write_options=SYNCHRONOUS)

    def post(self, bucket: str, lines: list[str]) -> Answer:
        """Write the lines once; times are milliseconds."""
        try:
            self._write.write(bucket, record="\n".join(lines).encode(), write_precision=WritePrecision.MS)
        except (ApiException, HTTPError, OSError) as error:
            return answer_of_error(error)
        return STORED

    def renew(self) -> None:
        """Read the token again: somebody may have changed it."""
        file = self._settings.token_file
        try:
            token = self._token if file is None else file.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError):
            return
        if token and token != self._token:
            self.close()
            self._token = token
            self.client = self._connect()
            self._write = self.client.write_api(write_options=SYNCHRONOUS)

    def close(self) -> None:
        """Close the connections."""
        self.client.close()

    def _connect(self) -> InfluxDBClient:
        settings = self._settings
        timeout_ms = round(settings.timeout_s * 1000)
        return InfluxDBClient(settings.url, self._token, org=settings.org, timeout=timeout_ms, enable_gzip=True)


def answer_of_error(error: Exception) -> Answer:
    """What an exception of the client means."""
    if not isinstance(error, ApiException):
        return Answer(meaning=Meaning.LATER, words=f"{type(error).__name__}: {error}"[:WORDS_CHARS])
    after = (error.headers or {}).get("Retry-After")
    return answer_of(int(error.status or 0), error.body or error.reason or "", after)


def answer_of(status: int, body: str | bytes, retry_after: str | None = None) -> Answer:
    """What a refusal means.

    >>> answer_of(422, '{"message": "partial write: points beyond retention policy dropped=2"}').dropped
    2
    >>> [answer_of(status, "").meaning.value for status in (429, 503, 0, 400, 413, 401)]
    ['later', 'later', 'later', 'bad lines', 'bad lines', 'stop']
    >>> answer_of(429, "", "12").after_s
    12.0
    """
    said = _message(body)
    found = DROPPED.search(said)
    words = f"HTTP {status}: {DROPPED.sub('', said)}"[:WORDS_CHARS]
    if status in (400, 413, 422):
        dropped = int(found[1]) if found else None
        return Answer(meaning=Meaning.BAD_LINES, status=status, words=words, dropped=dropped)
    later = status in (0, 408, 429) or status >= 500
    return Answer(
        meaning=Meaning.LATER if later else Meaning.STOP, status=status, words=words, after_s=_seconds(retry_after)
    )


def _seconds(retry_after: str | None) -> float | None:
    """InfluxDB says seconds; a date, which only a proxy in between would say, is as if nothing was said."""
    return float(retry_after) if retry_after and re.fullmatch(r"\d{1,6}", retry_after) else None


def _message(body: str | bytes) -> str:
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    return str(found.get("message", text)) if isinstance(found, dict) else text
