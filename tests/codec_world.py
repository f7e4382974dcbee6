"""What the tests of the codec share: a small register, frames made by hand, and both ways of decoding at once."""

from pathlib import Path
from typing import NamedTuple

from sensors.decoder import Decoded, Decoder
from sensors.frames import FrameBatch
from sensors.hj212.encode import seal
from sensors.reading import KINDS, Flag, Kind
from sensors.registry import Binding, Enterprise, Medium, Monitor, Outlet, Registry

FRAMES = Path(__file__).parent / "data" / "hj212_frames.txt"

WATER_MN = "010000A8900016F000169DC0"
GAS_MN = "010000A8900016F000169DC1"
OLD_MN = "88888880000001"  # 2005 edition: 14 characters
NOW_MS = 1_704_074_700_000  # 2024-01-01 10:05:00 +08:00
TEN_MS = NOW_MS - 300_000

WATER = ("w00000", "w01001", "w01018", "w01019", "w20111", "w20117", "w21001", "w21003", "w21011", "w20119")
GAS = ("a00000", "a19001", "a21001", "a21002", "a21026", "a34013", "a01012")

REGISTRY = Registry(
    enterprises=(Enterprise(id="mill", name="Mill", home=0),),
    outlets=(
        Outlet(id="outfall", enterprise="mill", name="Outfall", medium=Medium.WATER),
        Outlet(id="stack", enterprise="mill", name="Stack", medium=Medium.GAS),
        Outlet(id="old", enterprise="mill", name="Old stack", medium=Medium.GAS),
    ),
    monitors=(
        Monitor(mn=WATER_MN, outlet="outfall", valid_to_ms=NOW_MS + 1_000_000),
        Monitor(mn=GAS_MN, outlet="stack", unstated_is_normal=True),
        Monitor(mn=OLD_MN, outlet="old", modbus_crc=True),
        Monitor(mn=WATER_MN, outlet="old", valid_from_ms=NOW_MS + 2_000_000),  # moved to another outlet
    ),
    bindings=(
        *(Binding(outlet="outfall", factor=code) for code in WATER),
        *(Binding(outlet="stack", factor=code, unit="mg/m3" if code == "a21001" else "") for code in GAS),
        Binding(outlet="old", factor="a00000", unit="m3/h"),
        Binding(outlet="old", factor="a34013", unit="furlong"),
        Binding(outlet="old", factor="a21026"),
    ),
)


class Told(NamedTuple):
    """One reading as the tests look at it."""

    factor: str
    kind: Kind
    device_ms: int
    value: float
    flag: Flag


def told(decoded: Decoded, registry: Registry = REGISTRY) -> list[Told]:
    """The readings of a batch, one by one."""
    readings = decoded.readings
    return [
        Told(registry.bindings[series // KINDS].factor, Kind(series % KINDS), device_ms, value, Flag(flag))
        for series, device_ms, value, flag in zip(
            readings.series.tolist(),
            readings.device_ms.tolist(),
            readings.value.tolist(),
            readings.flag.tolist(),
            strict=True,
        )
    ]


def frame(area: str, *, mn: str = WATER_MN, cn: int = 2051, head: str | None = None) -> bytes:
    """A frame with right length and CRC around any content; `head` takes the place of the whole head."""
    usual = f"QN=20240101100500000;ST=32;CN={cn};PW=123456;MN={mn};Flag=5;"
    return seal(f"{usual if head is None else head}CP=&&{area}&&")


def batch(*payloads: bytes, login: str = WATER_MN, claimed: str | None = None, log_ms: int = NOW_MS) -> FrameBatch:
    """Payloads of one login at one log time."""
    return FrameBatch.of([(log_ms, login, login if claimed is None else claimed, payload) for payload in payloads])


def decode(*payloads: bytes, login: str = WATER_MN, claimed: str | None = None, log_ms: int = NOW_MS) -> Decoded:
    """Decode both ways, which must say the same, and add up."""
    return both(batch(*payloads, login=login, claimed=claimed, log_ms=log_ms))


def both(frames: FrameBatch, registry: Registry = REGISTRY) -> Decoded:
    """Decode a batch both ways, which must say the same, and add up."""
    quick = Decoder(registry).decode(frames)
    slow = Decoder(registry, compiled=False).decode(frames)
    same(quick, slow)
    adds_up(quick, len(frames))
    return quick


def same(one: Decoded, other: Decoded) -> None:
    """Every column, refusal and count is equal."""
    for name in ("series", "device_ms", "value", "flag", "log_ms"):
        mine, theirs = getattr(one.readings, name), getattr(other.readings, name)
        assert mine.dtype == theirs.dtype
        assert mine.tobytes() == theirs.tobytes(), name
    assert one.payload_row.tolist() == other.payload_row.tolist()
    assert one.monitor.tolist() == other.monitor.tolist()
    assert one.refused == other.refused
    assert one.counts == other.counts


def adds_up(decoded: Decoded, payloads: int) -> None:
    """In = out + refused, for payloads, frames and readings."""
    counts = decoded.counts
    for what in ("payload", "frame", "reading"):
        parts = counts.get(f"{what}.decoded", 0) + counts.get(f"{what}.refused", 0)
        assert counts.get(f"{what}.in", 0) == parts, (what, counts)
    assert counts.get("payload.in", 0) == payloads
    assert counts.get("reading.decoded", 0) == len(decoded.readings) == len(decoded.payload_row)
    assert counts.get("reading.refused", 0) == sum(refusal.count for refusal in decoded.refused)
