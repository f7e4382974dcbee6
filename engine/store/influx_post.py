"""One request to InfluxDB, and what its answer means."""

import re
from dataclasses import dataclass
from enum import Enum

import orjson
from influxdb_client import InfluxDBClient, WritePrecision
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.rest import ApiException
from urllib3.exceptions import HTTPError

WORDS_CHARS = 500
DROPPED = re.compile(r" dropped=(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class InfluxSettings:
    """Where readings and verdicts go."""

    url: str
    token: str
    org: str
    bucket: str
    lines_max: int = 5000  # of one request
    bytes_max: int = 4_000_000  # of one request, before compression; the server takes any size and pays with its memory
    timeout_s: float = 10.0

    def __repr__(self) -> str:
        return f"InfluxSettings(url={self.url!r}, org={self.org!r}, bucket={self.bucket!r}, token=***)"


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
    words: str = ""  # the server's, with its status
    dropped: int | None = None  # lines it says it dropped; None: it does not say


class Poster:
    """Posts lines to one bucket."""

    def __init__(self, settings: InfluxSettings) -> None:
        self._settings = settings
        self._client = InfluxDBClient(
            settings.url, settings.token, org=settings.org, timeout=round(settings.timeout_s * 1000), enable_gzip=True
        )
        self._write = self._client.write_api(write_options=SYNCHRONOUS)

    def post(self, lines: list[str]) -> Answer:
        """Write the lines once; times are milliseconds."""
        try:
            self._write.write(self._settings.bucket, record="\n".join(lines).encode(), write_precision=WritePrecision.MS)
        except ApiException as error:
            return answer_of(int(error.status or 0), error.body or error.reason or "")
        except (HTTPError, OSError) as error:
            return Answer(meaning=Meaning.LATER, words=f"{type(error).__name__}: {error}"[:WORDS_CHARS])
        return Answer(meaning=Meaning.STORED)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def answer_of(status: int, body: str | bytes) -> Answer:
    """What a refusal means.

    >>> answer_of(422, '{"message": "partial write: points beyond retention policy dropped=2"}').dropped
    2
    >>> [answer_of(status, "").meaning.value for status in (429, 503, 0, 400, 413, 401)]
    ['later', 'later', 'later', 'bad lines', 'bad lines', 'stop']
    """
    said = _message(body)
    found = DROPPED.search(said)
    words = f"HTTP {status}: {DROPPED.sub('', said)}"[:WORDS_CHARS]
    if status in (400, 413, 422):
        return Answer(meaning=Meaning.BAD_LINES, words=words, dropped=int(found[1]) if found else None)
    later = status in (0, 408, 429) or status >= 500
    return Answer(meaning=Meaning.LATER if later else Meaning.STOP, words=words)


def _message(body: str | bytes) -> str:
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    return str(found.get("message", text)) if isinstance(found, dict) else text
