"""Frames decoded a second on one core, CRC included, beside orjson parsing the same content.

    python -m bench.decode            # 50,000 frames of 8 factors, batches of 5,000
    python -m bench.decode --json

"HJ 212, exact" is what devices send that keep to the standard: compiled code from bytes to columns of readings.
"... one factor unknown" adds a ninth factor to each frame that its outlet does not have: refused, counted, named.
"HJ 212, odd" writes each frame with a stray comma, so that every one goes through the tolerant reader.
"orjson" only parses: text to Python objects, no check of who speaks, no unit, no series, no columns. It reads the same
content (same MN, times, codes, values, flags) as JSON v1. "x orjson" compares the time a frame takes, in the same run.
"""

from collections.abc import Callable
from typing import TypeVar

import orjson

from bench._measure import Report, in_child, parser, timed
from sensors.decoder import Decoder
from sensors.frames import FrameBatch
from sensors.hj212.encode import encode_data, seal
from sensors.registry import Binding, Enterprise, Medium, Monitor, Outlet, Registry

FACTORS = ("w00000", "w01001", "w01010", "w01018", "w21003", "w21001", "w21011", "w01012")
START_MS = 1_704_067_200_000
MINUTE_MS = 60_000
DEVICES = 1_000

T = TypeVar("T")
Rows = list[tuple[int, str, str, bytes]]


def registry() -> Registry:
    """A thousand outlets with eight factors each."""
    outlets = tuple(Outlet(id=f"o{n}", enterprise="e", name=f"o{n}", medium=Medium.WATER) for n in range(DEVICES))
    return Registry(
        enterprises=(Enterprise(id="e", name="e", home=0),),
        outlets=outlets,
        monitors=tuple(Monitor(mn=mn_of(n), outlet=f"o{n}") for n in range(DEVICES)),
        bindings=tuple(Binding(outlet=o.id, factor=code) for o in outlets for code in FACTORS),
    )


def mn_of(number: int) -> str:
    """The MN of one device."""
    return f"010000A8900016F2{number:08X}"


def value(frame: int, factor: int) -> str:
    """What one factor of one frame says, as text."""
    return f"{(frame * 7919 + factor * 104729) % 100_000 / 1000:.3f}"


def hj212(frame: int, *, factors: tuple[str, ...] = FACTORS) -> bytes:
    """One minute upload."""
    items = [(code, {"Avg": value(frame, n), "Flag": "N"}) for n, code in enumerate(factors)]
    at = START_MS + frame // DEVICES * MINUTE_MS
    return encode_data(mn_of(frame % DEVICES), 2051, at, items, qn_ms=at + MINUTE_MS)


def odd(frame: int) -> bytes:
    """The same with a stray comma in its head."""
    return seal(hj212(frame)[6:-6].decode().replace(";MN=", ";,MN=", 1))


def with_unknown(frame: int) -> bytes:
    """The same with a factor its outlet does not have."""
    return hj212(frame, factors=(*FACTORS, "w99999"))


def json_v1(frame: int) -> bytes:
    """The same content as JSON v1."""
    readings = {code: {"value": float(value(frame, n)), "flag": "N"} for n, code in enumerate(FACTORS)}
    at = START_MS + frame // DEVICES * MINUTE_MS
    return orjson.dumps({"v": 1, "mn": mn_of(frame % DEVICES), "kind": "minute", "time": at, "readings": readings})


CASES: dict[str, Callable[[int], bytes]] = {
    "HJ 212, exact": hj212,
    "HJ 212, exact, one factor unknown": with_unknown,
    "HJ 212, odd": odd,
    "JSON v1": json_v1,
    "orjson.loads alone": json_v1,
}


def measure(case: str, frames: int, batch: int, runs: int) -> dict[str, float]:
    """Seconds of the best run, readings and bytes of one case."""
    make = CASES[case]
    rows: Rows = [(START_MS + n, mn_of(n % DEVICES), mn_of(n % DEVICES), make(n)) for n in range(frames)]
    size = sum(len(row[3]) for row in rows)
    if case.startswith("orjson"):
        payloads = [row[3] for row in rows]
        return {"seconds": timed(lambda: each(orjson.loads, payloads), runs=runs).best, "bytes": size, "readings": 0}
    decoder = Decoder(registry())
    batches = [FrameBatch.of(rows[at : at + batch]) for at in range(0, frames, batch)]
    readings = sum(len(decoder.decode(one).readings) for one in batches)  # compiles, and counts
    return {
        "seconds": timed(lambda: each(decoder.decode, batches), runs=runs).best,
        "bytes": size,
        "readings": readings,
    }


def each(function: Callable[[T], object], arguments: list[T]) -> None:
    """Call it with each argument; what it gives is dropped at once."""
    for argument in arguments:
        function(argument)


def main() -> None:
    """Measure each case in a process of its own."""
    options = parser(__doc__)
    options.add_argument("--frames", type=int, default=50_000)
    options.add_argument("--batch", type=int, default=5_000, help="frames decoded at once")
    options.add_argument("--runs", type=int, default=5, help="the best of so many is shown")
    args = options.parse_args()
    report = Report(bench="bench.decode", title=f"Decoding frames of {len(FACTORS)} factors, one core")
    found = {}
    for case in CASES:
        frames = args.frames if case != "HJ 212, odd" else args.frames // 10
        found[case] = (*in_child(measure, case, frames, args.batch, args.runs), frames)
    alone, _, alone_frames = found["orjson.loads alone"]
    for case, (figures, peak, frames) in found.items():
        report.add(
            case=case,
            frames_s=round(frames / figures["seconds"]),
            readings_s=round(figures["readings"] / figures["seconds"]) or None,
            us_frame=round(figures["seconds"] / frames * 1e6, 3),
            mb_s=round(figures["bytes"] / figures["seconds"] / 1e6, 1),
            x_orjson=round((alone["seconds"] / alone_frames) / (figures["seconds"] / frames), 2),
            peak_mib=round(peak, 1),
        )
    report.show(as_json=args.json)


if __name__ == "__main__":
    main()
