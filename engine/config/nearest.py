"""The valid word somebody may have meant."""

import difflib
from collections.abc import Iterable

SHOWN = 8
LONGEST = 64  # of a word; keeps the search short


def nearest(word: str, valid: Iterable[str]) -> str:
    """The nearest valid word, "" if none is near.

    >>> nearest("silense_s", ["silence_s", "severity"])
    'silence_s'
    """
    words = {w.lower(): w for w in valid}
    found = difflib.get_close_matches(word[:LONGEST].lower(), words, 1)
    return words[found[0]] if found else ""


def hint(word: str, valid: Iterable[str]) -> dict[str, str]:
    """Values for a text that names the valid words: the nearest one, or the first few.

    >>> hint("gass", ["gas", "water"]), hint("x", ["gas", "water"])
    ({'value': 'gass', 'valid': 'gas?'}, {'value': 'x', 'valid': 'gas, water'})
    """
    words = list(valid)
    near = nearest(word, words)
    shown = ", ".join(words[:SHOWN]) + (", ..." if len(words) > SHOWN else "")
    return {"value": word, "valid": f"{near}?" if near else shown or "-"}
