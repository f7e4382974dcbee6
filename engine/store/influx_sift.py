"""Getting every good line of a batch stored, and finding the lines that the server will never take."""

from dataclasses import dataclass, field

from engine.store.influx_post import STORED, Answer, Meaning, Poster

SUSPECT_AFTER = 3
"""A 500 that comes so often in a row for the same batch may be the fault of a line."""

CONFIRM = 2
"""So often more a single line must be refused while a probe is accepted, before it is given up."""


@dataclass(slots=True)
class Refused:
    """Lines that the server will never take, with its words."""

    lines: list[tuple[str, str]] = field(default_factory=list)

    def add(self, lines: list[str], words: str) -> None:
        self.lines += [(line, words) for line in lines]


class Sifter:
    """Posts one batch after the other. Lines that are posted twice are stored once."""

    def __init__(self, poster: Poster) -> None:
        self._poster = poster
        self.ill = False  # the server refuses even a probe point

    def post(self, bucket: str, lines: list[str], refused: Refused, *, failures: int) -> Answer:
        """Post a batch; STORED when all is stored but what was refused. `failures`: tries before this one.

        The words of a 400 name every line that is malformed; of a 422 one cause, and all lines without that fault are
        stored. So a batch with bad lines is halved until they stand alone.
        """
        answer = self._poster.post(bucket, lines)
        if answer.meaning is Meaning.BAD_LINES:
            return self._halve(bucket, lines, answer, refused, suspect=False)
        if answer.status == 500 and failures >= SUSPECT_AFTER:
            self.ill = not self._probe(bucket, lines[0])
            return answer if self.ill else self._halve(bucket, lines, answer, refused, suspect=True)
        self.ill = False
        return answer

    def _sift(self, bucket: str, lines: list[str], refused: Refused, *, suspect: bool) -> Answer:
        answer = self._poster.post(bucket, lines)
        if answer.meaning is Meaning.BAD_LINES or (suspect and answer.status == 500):
            return self._halve(bucket, lines, answer, refused, suspect=suspect)
        return answer

    def _halve(self, bucket: str, lines: list[str], answer: Answer, refused: Refused, *, suspect: bool) -> Answer:
        """What to do with lines of which some are bad."""
        if len(lines) == 1 and answer.status == 500:
            return self._confirm(bucket, lines, answer, refused)
        if len(lines) == 1 or answer.dropped == len(lines):
            refused.add(lines, answer.words)
            return STORED
        half = len(lines) // 2
        for part in (lines[:half], lines[half:]):
            answer = self._sift(bucket, part, refused, suspect=suspect)
            if answer.meaning is not Meaning.STORED:
                return answer
        return answer

    def _confirm(self, bucket: str, lines: list[str], answer: Answer, refused: Refused) -> Answer:
        """A single line that is answered 500: its fault, or the server's? Only if probes go in between it is given up."""
        for _ in range(CONFIRM):
            if not self._probe(bucket, lines[0]):
                self.ill = True
                return answer
            answer = self._poster.post(bucket, lines)
            if answer.status != 500:
                return answer
        refused.add(lines, answer.words)
        return STORED

    def _probe(self, bucket: str, line: str) -> bool:
        """Whether the server takes a point that nothing is wrong with.

        It has the time of the line: of a server that had no room once, a single shard may stay closed until it restarts.
        """
        point = f"outfall_probe value=1i {line.rpartition(' ')[2]}"
        return self._poster.post(bucket, [point]).meaning is Meaning.STORED
