"""Rows out of text: delimited text as Python's csv reads it, JSON lines as orjson does."""

import csv
import io
import json

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.replay.scan.csv_rows import scan_csv
from engine.replay.scan.eights import padded
from engine.replay.scan.json_rows import scan_json
from engine.replay.sources.blocks import NotARecordingError, blocks

KEYS = ["outlet", "time", "value"]


def json_cells(text: bytes):
    """(cells of the wanted keys by row, lines of the bad rows)."""
    table = scan_json(padded(text), first_line=1, wanted=KEYS)
    rows = [tuple(table.columns[key].cell(row) for key in KEYS) for row in range(table.rows)]
    return dict(zip(table.line.tolist(), rows, strict=True)), [bad.line for bad in table.bad]


def plain_cells(text: bytes):
    """The same, line by line, by orjson alone."""
    rows, bad = {}, []
    for number, line in enumerate(text.split(b"\n"), 1):
        if not line.strip(b" \t\r"):
            continue
        try:
            found = orjson.loads(line)
        except orjson.JSONDecodeError:
            bad.append(number)
            continue
        if not isinstance(found, dict) or any(isinstance(found.get(key), dict | list) for key in KEYS):
            bad.append(number)
            continue
        rows[number] = tuple(found.get(key) for key in KEYS)
    return rows, bad


SCALARS = (
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12) | st.sampled_from(["2024-01-01 00:00", "a\\b", 'q"q', "排口", "x" * 20])
)  # fmt: skip
OBJECTS = st.dictionaries(st.sampled_from([*KEYS, "note", "键"]), SCALARS | st.lists(SCALARS, max_size=2), max_size=5)
LINES = st.one_of(
    OBJECTS.map(lambda o: json.dumps(o, ensure_ascii=False).encode()),
    OBJECTS.map(lambda o: json.dumps(o, separators=(",", ":")).encode()),
    OBJECTS.map(lambda o: json.dumps(o, separators=(" , ", " : ")).encode()),
    st.sampled_from(
        [
            b"",
            b"  ",
            b"[]",
            b"{}",
            b'{"value":01}',
            b'{"value":1.}',
            b'{"value":-}',
            b'{"value":1,"value":2}',
            b'{"value":1}x',
            b'{"value":1e5}',
            b'{"value":1e999}',
            b'{"value":tru}',
            b'{"value":\xff"}',
            b'{"outlet":"\xff"}',
            b'{"outlet":"\xed\xa0\x80"}',
            b'{"outlet":"a',
            b'{"value":1',
            b'{"value" 1}',
            b'{"value":1,}',
            b'{"outlet":"\\u0041"}',
            b'{"outlet":"\x01"}',
            b'{"value":null }\r',
        ]
    ),
    st.binary(max_size=20).map(lambda b: b.replace(b"\n", b"")),
)


@given(st.lists(LINES, max_size=12), st.booleans())
@settings(max_examples=600, deadline=None)
def test_json_lines_are_read_as_orjson_reads_them(lines, end):
    text = b"\n".join(lines) + (b"\n" if end else b"")
    rows, bad = json_cells(text)
    expected, expected_bad = plain_cells(text)
    assert sorted(bad) == expected_bad
    assert rows == expected
    for number, row in rows.items():
        assert [type(cell) for cell in row] == [type(cell) for cell in expected[number]]


def test_alike_lines_are_scanned_by_the_first_of_them():
    lines = [f'{{"outlet":"o{n}","time":{n},"value":{n / 7:.3f}}}' for n in range(500)]
    lines[250] = '{"value":1,"time":2,"outlet":"other order"}'
    rows, bad = json_cells("\n".join(lines).encode())
    assert bad == []
    assert rows == plain_cells("\n".join(lines).encode())[0]


CELLS = st.text(alphabet='ab1 ,;"\n排', max_size=6)


@given(
    st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=10), st.sampled_from([",", ";", "\t"]), st.sampled_from(["\n", "\r\n"])
)
@settings(max_examples=300, deadline=None)
def test_delimited_text_is_read_as_python_reads_it(rows, delimiter, line_end):
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator=line_end).writerows(rows)
    text = out.getvalue().encode()
    table, used, _ = scan_csv(
        padded(text), first_line=1, delimiter=delimiter, header=["a", "b", "c"], wanted=["c", "a"], last=True
    )
    assert table.bad == () and used == len(text)
    found = [(table.columns["a"].cell(n), table.columns["c"].cell(n)) for n in range(table.rows)]
    assert found == [(a.strip(" \t"), c.strip(" \t")) for a, _, c in rows]


@given(st.lists(st.tuples(CELLS, CELLS), max_size=10), st.integers(0, 80))
@settings(max_examples=200, deadline=None)
def test_a_piece_may_end_in_the_middle_of_a_quoted_cell(rows, cut):
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    text = out.getvalue().encode()
    cut = text.rfind(b"\n", 0, cut) + 1  # pieces are whole lines
    found, line = [], 1
    carry = b""
    for piece, last in ((text[:cut], False), (text[cut:], True)):
        table, used, lines = scan_csv(
            padded(carry + piece), first_line=line, delimiter=",", header=["a", "b"], wanted=["b"], last=last
        )
        carry, line = (carry + piece)[used:], line + lines
        found += [table.columns["b"].cell(n) for n in range(table.rows)]
        assert table.bad == ()
    assert found == [b.strip(" \t") for _, b in rows]


@pytest.mark.parametrize(
    ("text", "bad"),
    [
        pytest.param(b"1,2\n3\n4,5\n", [(2, "expected 2 cells, got 1")], id="a cell is missing"),
        pytest.param(b"1,2\n3,4,5\n", [(2, "expected 2 cells, got 3")], id="a cell too many"),
        pytest.param(b"1,2\n\n \n3,4\n", [], id="lines without text are no rows"),
        pytest.param(b'1,"2\n3,4\n', [], id="a quote that is never closed is a letter"),
        pytest.param(b'1,"2"x\n3,4\n', [], id="text after a closing quote: all of it is the cell"),
    ],
)
def test_broken_rows_are_told_by_line(text, bad):
    table, _, _ = scan_csv(padded(text), first_line=1, delimiter=",", header=["a", "b"], wanted=["a"], last=True)
    assert [(row.line, row.detail) for row in table.bad] == bad


def test_a_text_is_read_in_blocks_of_whole_lines_whatever_it_is_packed_in(tmp_path):
    import gzip

    text = "".join(f"行{n},{n}\n" for n in range(3000)) + "最后,0"
    plain, packed, chinese = tmp_path / "a.csv", tmp_path / "a.csv.gz", tmp_path / "b.csv"
    plain.write_bytes(b"\xef\xbb\xbf" + text.encode())
    packed.write_bytes(gzip.compress(text.encode()))
    chinese.write_bytes(text.encode("gb18030"))
    for file, encoding in ((plain, "utf-8"), (packed, "utf-8"), (chinese, "gb18030")):
        found = list(blocks(file, encoding, size=1000))
        assert b"".join(block.text for block in found) == text.encode()
        assert all(block.text.endswith(b"\n") for block in found[:-1]) and found[-1].last
        assert found[-1].at == file.stat().st_size


@pytest.mark.parametrize(
    "damage", [lambda b: b[: len(b) // 2], lambda b: b[:-6] + b"xxxxxx"], ids=["cut short", "wrong at the end"]
)
def test_a_damaged_gz_is_an_error_that_names_the_file(tmp_path, damage):
    import gzip

    file = tmp_path / "a.csv.gz"
    file.write_bytes(damage(gzip.compress(b"a,b\n1,2\n" * 10_000)))
    with pytest.raises(NotARecordingError, match=r"a\.csv\.gz: cannot be unpacked"):
        list(blocks(file))
