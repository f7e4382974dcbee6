"""Kinds of outlets and what their analysers show on an ordinary day."""

from dataclasses import dataclass

from sensors.field.signals import Signal
from sensors.registry import Medium


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """One kind of outlet. Levels are invented, well below the limits such outlets usually have."""

    medium: Medium
    system: str  # HJ 212-2017 table 5: 27 VOCs, 31 stack gas, 32 wastewater
    realtime_s: int
    minute_min: int
    signals: tuple[Signal, ...]


def water(*, cod: float, ammonia: float, nitrogen: float, phosphorus: float, flow: float) -> Trade:
    """A wastewater outlet: levels in mg/L and L/s. COD and NH3-N come every hour, TP and TN every second one."""
    signals = (
        Signal(code="w00000", level=flow, swing=0.3, peak_h=20.0, jitter=0.03, decimals=2),
        Signal(code="w01001", level=7.4, swing=0.01, walk=0.03, jitter=0.003, decimals=2),
        Signal(code="w01010", level=19.0, swing=0.06, peak_h=15.0, walk=0.02, jitter=0.005),
        Signal(code="w01018", level=cod, hold_min=60),
        Signal(code="w21003", level=ammonia, decimals=2, hold_min=60),
        Signal(code="w21011", level=phosphorus, decimals=2, hold_min=120),
        Signal(code="w21001", level=nitrogen, decimals=2, hold_min=120),
    )
    return Trade(medium=Medium.WATER, system="32", realtime_s=300, minute_min=10, signals=signals)


def gas(*, so2: float, nox: float, dust: float, o2: float, flow: float) -> Trade:
    """A stack: levels in mg/m3 (measured, dry), percent O2 and m3/s."""
    signals = (
        Signal(code="a21026", level=so2, decimals=2),
        Signal(code="a21002", level=nox),
        Signal(code="a34013", level=dust, jitter=0.05),
        Signal(code="a19001", level=o2, swing=0.03, walk=0.04, jitter=0.01),
        Signal(code="a00000", level=flow, swing=0.1),
        Signal(code="a01011", level=12.4, swing=0.1, decimals=2),
        Signal(code="a01012", level=82.0, swing=0.03, walk=0.04, jitter=0.005),
        Signal(code="a01013", level=0.18, jitter=0.05, decimals=3),
        Signal(code="a01014", level=8.6),
    )
    return Trade(medium=Medium.GAS, system="31", realtime_s=30, minute_min=1, signals=signals)


TRADES = {
    "sewage": water(cod=24.0, ammonia=1.1, nitrogen=8.6, phosphorus=0.21, flow=260.0),
    "dyeing": water(cod=44.0, ammonia=3.1, nitrogen=8.0, phosphorus=0.20, flow=21.0),
    "paper": water(cod=43.0, ammonia=2.4, nitrogen=6.1, phosphorus=0.33, flow=48.0),
    "petrochemistry": water(cod=33.0, ammonia=2.6, nitrogen=19.0, phosphorus=0.41, flow=39.0),
    "resins": water(cod=31.0, ammonia=2.9, nitrogen=17.0, phosphorus=0.38, flow=9.0),
    "plating": water(cod=41.0, ammonia=4.8, nitrogen=10.5, phosphorus=0.36, flow=4.2),
    "pharmacy": water(cod=58.0, ammonia=9.0, nitrogen=17.5, phosphorus=0.42, flow=7.5),
    "general": water(cod=47.0, ammonia=5.1, nitrogen=16.0, phosphorus=0.22, flow=12.0),
    "coal power": gas(so2=22.0, nox=41.0, dust=7.2, o2=5.9, flow=310.0),
    "coal boiler": gas(so2=118.0, nox=140.0, dust=17.0, o2=9.3, flow=21.0),
    "gas boiler": gas(so2=9.0, nox=74.0, dust=4.1, o2=3.9, flow=12.0),
    "cement kiln": gas(so2=62.0, nox=172.0, dust=9.6, o2=9.8, flow=96.0),
    "incinerator": gas(so2=31.0, nox=124.0, dust=6.8, o2=10.2, flow=44.0),
    "heater": gas(so2=15.0, nox=52.0, dust=6.0, o2=3.4, flow=8.0),
    "fence line": Trade(
        medium=Medium.AIR,
        system="27",
        realtime_s=60,
        minute_min=5,
        signals=(
            Signal(code="a24088", level=1.15, swing=0.2, walk=0.2, jitter=0.05, decimals=3),
            Signal(code="a25002", level=0.012, walk=0.2, jitter=0.1, decimals=3),
            Signal(code="a25003", level=0.08, walk=0.2, jitter=0.1, decimals=2),
            Signal(code="a25005", level=0.11, walk=0.2, jitter=0.1, decimals=2),
            Signal(code="a01007", level=2.6, swing=0.3, walk=0.3, jitter=0.2),
            Signal(code="a01008", level=160.0, swing=0.2, walk=0.5, jitter=0.1, decimals=0),
        ),
    ),
}
"""Kind of outlet -> what stands there. The names are the value of the outlets' label "trade"."""
