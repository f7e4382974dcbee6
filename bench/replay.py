"""How fast a history is judged: readings a second from Parquet columns and from JSON lines, on one core.

    python -m bench.replay                 # 100, 10,000 and 1,000,000 series; minutes
    python -m bench.replay --scale 0.1     # a tenth of the rows
    python -m bench.replay --json          # one object

"outfall" is the whole of `outfall replay`: the file read, every reading put into its slot, every hour of every series judged
against its limit, alerts with their evidence. Beside it, on the same file in the same run, the bare hourly mean of DuckDB,
numpy and polars. Every case runs in a process of its own on one core, with one thread for everybody and none that reads
ahead; the best of `--runs` runs. Rates are a second of that core: processor time, all threads of the process together,
which other work on the machine disturbs least. "wall s" is what passed meanwhile. "set-up" is what Outfall spends on
registry and rules (which the others do not have) and is not in its rate; "whole s" has it in.
"""

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench._means import ENGINES, json_by_polars
from bench._measure import Report, in_child, parser
from bench._readings import write_json, write_mapping, write_parquet

CASES = ((100, 10_000_000, 1), (10_000, 20_000_000, 1), (1_000_000, 24_000_000, 5))
"""(series, rows, minutes between the readings of a series)."""

FLAT = ((1_000, 1_000_000, 1), (1_000, 10_000_000, 1))
JSON_CASE = (10_000, 3_000_000, 1)


def judged(file: Path, mapping: Path, runs: int) -> dict[str, Any]:
    """Replay a recording several times; the quickest. The first run of all is not counted: it loads compiled code."""
    from engine.replay.account import Account
    from engine.replay.command import recording_of
    from engine.replay.recording import replay_recording

    on_one_core()
    best: dict[str, Any] = {}
    for _ in range(runs + 1):
        account = Account()
        whole_s, wall_s = _seconds(lambda: replay_recording(recording_of(file, mapping), account))  # noqa: B023 - at once
        found = {
            "rows": account.readings,
            "seconds": whole_s - account.setup_s,
            "wall_s": wall_s,
            "setup_s": account.setup_s,
            "verdicts": sum(account.judged.values()),
            "alerts": len(account.alerts.last),
        }
        if not best or found["seconds"] < best["seconds"]:
            best = found
    return best


def counted(name: str, file: Path, runs: int) -> dict[str, Any]:
    """The bare mean of one engine; the quickest run, after one that is not counted."""
    on_one_core()
    engine = json_by_polars if name == "polars read_ndjson" else ENGINES[name]
    seconds, wall_s = min([_seconds(lambda: engine(file)) for _ in range(runs + 1)][1:])
    return {"seconds": seconds, "wall_s": wall_s}


def _seconds(work: Callable[[], object]) -> tuple[float, float]:
    """Processor time and wall time of some work."""
    began, began_wall = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - began, time.perf_counter() - began_wall


def on_one_core() -> None:
    """One core and one thread for everybody."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def columns(report: Report, folder: Path, scale: float, runs: int) -> None:
    """Parquet columns, beside the others."""
    for series, rows, every_min in CASES:
        file, mapping = folder / f"{series}.parquet", folder / f"{series}.yaml"
        write_mapping(mapping, every_min)
        count, _ = in_child(write_parquet, file, series, max(int(rows * scale), series), every_min)
        mine, peak = in_child(judged, file, mapping, runs)
        _add(report, f"columns, {series:,} series", "outfall", count, mine, peak, 1.0)
        for name in ENGINES:
            other, other_peak = in_child(counted, name, file, runs)
            _add(report, "", name, count, other, other_peak, other["seconds"] / mine["seconds"])
        file.unlink()


def json_lines(report: Report, folder: Path, scale: float, runs: int) -> None:
    """JSON lines, one reading each, beside polars reading them without judging."""
    series, rows, every_min = JSON_CASE
    parquet, file, mapping = folder / "j.parquet", folder / "j.jsonl", folder / "j.yaml"
    write_mapping(mapping, every_min)
    in_child(write_parquet, parquet, series, max(int(rows * scale), series), every_min)
    count, _ = in_child(write_json, file, parquet)
    mine, peak = in_child(judged, file, mapping, runs)
    _add(report, f"JSON lines, {series:,} series", "outfall", count, mine, peak, 1.0)
    other, other_peak = in_child(counted, "polars read_ndjson", file, runs)
    _add(report, "", "polars read_ndjson", count, other, other_peak, other["seconds"] / mine["seconds"])
    file.unlink()


def flat(report: Report, folder: Path, scale: float) -> None:
    """Peak memory of a short and of a ten times longer history."""
    peaks = []
    for series, rows, every_min in FLAT:
        file, mapping = folder / f"flat-{rows}.parquet", folder / "flat.yaml"
        write_mapping(mapping, every_min)
        count, _ = in_child(write_parquet, file, series, max(int(rows * scale), series), every_min)
        mine, peak = in_child(judged, file, mapping, 1)
        _add(report, f"memory, {series:,} series", "outfall", count, mine, peak, 1.0)
        peaks.append(peak)
        file.unlink()
    report.notes.append(f"Memory: ten times the history takes {peaks[1] - peaks[0]:+.0f} MiB; the bound is 1,024 MiB.")


def _add(report: Report, case: str, who: str, rows: int, found: dict[str, Any], peak: float, ratio: float) -> None:
    setup_s = found.get("setup_s")
    report.add(
        case=case,
        engine=who,
        rows=rows,
        **{"M rows/s": rows / found["seconds"] / 1e6},
        ratio=ratio,
        **{"whole s": found["seconds"] + (setup_s or 0.0), "set-up s": setup_s, "wall s": found["wall_s"]},
        verdicts=found.get("verdicts"),
        alerts=found.get("alerts"),
        **{"peak MiB": peak},
    )


def main() -> None:
    """Run it."""
    arguments = parser(__doc__)
    arguments.add_argument("--scale", type=float, default=1.0, help="share of the rows (default: all)")
    arguments.add_argument("--runs", type=int, default=3, help="counted runs of each case (default: 3)")
    chosen = arguments.parse_args()
    for name in ("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[name] = "1"
    report = Report(bench="bench.replay", title="Replay: a history judged, beside the bare hourly mean of others")
    report.notes.append("ratio: how many times as long the other takes as Outfall (below 1: it is quicker).")
    report.notes.append("Rates are of one core: rows a second of processor time. No thread reads ahead.")
    report.notes.append("Goals: 20 M readings/s from columns, 3 M from JSON lines, the same for any number of series.")
    with tempfile.TemporaryDirectory(prefix="outfall-bench-") as folder:
        columns(report, Path(folder), chosen.scale, chosen.runs)
        json_lines(report, Path(folder), chosen.scale, chosen.runs)
        flat(report, Path(folder), chosen.scale)
    report.show(as_json=chosen.json)


if __name__ == "__main__":
    main()
