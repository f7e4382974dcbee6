"""The outlets of a recording: what its words for them stand for, found as the words come."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from engine.replay.mapping.mapping import Mapping
from sensors.registry import Medium

UNKNOWN = -1
NEW = -2


class KnownOutlets:
    """Outlets by number, in the order in which they were found, as parallel lists."""

    def __init__(self, mapping: Mapping) -> None:
        self.mapping = mapping
        self.ids: list[str] = []
        self.names: list[str] = []
        self.enterprises: list[str] = []
        self.media: list[Medium] = []
        self._number: dict[str, int] = {}  # by id
        self._of_word = np.empty(0, np.int32)

    def of_words(self, word: NDArray[np.int64], texts: Sequence[str]) -> NDArray[np.int32]:
        """The outlets that words (by number) stand for, UNKNOWN where the mapping does not have them."""
        if len(texts) > len(self._of_word):
            more = np.full(2 * len(texts) - len(self._of_word), NEW, np.int32)
            self._of_word = np.concatenate([self._of_word, more])
        new = word[self._of_word[word] == NEW]
        new = new[first_ones(new)]
        named = [texts[number] for number in new.tolist()]
        self._of_word[new] = [self._named(text) for text in named] if self.mapping.outlets else self._all_new(named)
        return self._of_word[word]

    def among(self, ids: Iterable[str]) -> NDArray[np.bool_]:
        """Whether each outlet is one of these."""
        found = np.zeros(len(self.ids), np.bool_)
        found[[self._number[id_] for id_ in ids if id_ in self._number]] = True
        return found

    def medium(self, id_: str) -> Medium:
        """What leaves an outlet."""
        return self.media[self._number[id_]]

    def _named(self, word: str) -> int:
        mapping = self.mapping
        known = mapping.outlets.get(word)
        if known is None and mapping.outlets and mapping.outlet_column:
            return UNKNOWN
        id_ = known.id if known else word
        number = self._number.setdefault(id_, len(self.ids))
        if number == len(self.ids):
            self.ids.append(id_)
            self.names.append(known.name if known else word)
            self.enterprises.append(known.enterprise if known else word)
            self.media.append(known.medium if known else mapping.medium)
        return number

    def _all_new(self, words: list[str]) -> NDArray[np.int32]:
        """The same where the mapping says nothing of outlets: each word is the id of one."""
        first = len(self.ids)
        for column in (self.ids, self.names, self.enterprises):
            column.extend(words)
        self.media.extend([self.mapping.medium] * len(words))
        numbers = np.arange(first, len(self.ids), dtype=np.int32)
        self._number.update(zip(words, numbers.tolist(), strict=True))
        return numbers


def first_ones(numbers: NDArray[np.int64]) -> NDArray[np.intp]:
    """Where each different number comes first, in that order.

    >>> first_ones(np.array([7, 5, 7, 9])).tolist()
    [0, 1, 3]
    """
    _, first = np.unique(numbers, return_index=True)
    return np.sort(first)
