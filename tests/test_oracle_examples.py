"""The oracle on examples computed by hand from the law."""

import pytest

from rules.reference import judge
from tests.diary import Example, told
from tests.law_examples import EXAMPLES


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e.sentence)
def test_oracle(example: Example) -> None:
    events = judge(example.diary.history()).events
    assert sorted(told(events, example.diary.world)) == sorted(example.expected)


def test_every_sentence_is_said_once() -> None:
    sentences = [example.sentence for example in EXAMPLES]
    assert len(set(sentences)) == len(sentences)
