"""The simulated district: its registry, and a monitor at every outlet."""

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from sensors.field.happenings import Happening
from sensors.field.monitors import FieldFrame, FieldMonitor
from sensors.field.names import DISTRICT, OUTLET, SITES, Site
from sensors.field.trades import TRADES, Trade
from sensors.registry import Binding, Enterprise, Medium, Monitor, Outlet, Registry, home_of

HOUR_MS = 3_600_000
LETTER = {Medium.WATER: "w", Medium.GAS: "s", Medium.AIR: "a"}


@dataclass(frozen=True, slots=True, kw_only=True)
class District:
    """What is registered, and what speaks."""

    registry: Registry
    monitors: tuple[FieldMonitor, ...]  # in the order of registry.outlets, one each

    def frames(self, from_ms: int, to_ms: int) -> Iterator[FieldFrame]:
        """Everything sent in [from_ms, to_ms) in order of sending; made hour by hour."""
        for start in range(from_ms, to_ms, HOUR_MS):
            end = min(start + HOUR_MS, to_ms)
            hour = [frame for monitor in self.monitors for frame in monitor.frames(start, end)]
            yield from sorted(hour, key=lambda f: f.at_ms)

    def monitor_of(self, outlet: str) -> FieldMonitor:
        """The monitor at an outlet; KeyError where there is none."""
        return {m.monitor.outlet: m for m in self.monitors}[outlet]


def make_district(
    *, seed: int = 1, lang: str = "en", happenings: Mapping[str, tuple[Happening, ...]] | None = None
) -> District:
    """The district in which nothing happens but what `happenings` (outlet -> what) says.

    >>> d = make_district()
    >>> [sum(o.medium is m for o in d.registry.outlets) for m in Medium]
    [25, 8, 1]
    """
    outlets = tuple(outlet for site in SITES for outlet in _outlets(site, lang))
    trades = tuple(_at(outlet.id, TRADES[dict(outlet.labels)["trade"]], seed) for outlet in outlets)
    monitors = tuple(
        Monitor(mn=mn_of(n), outlet=outlet.id, realtime_s=trade.realtime_s, minute_min=trade.minute_min)
        for n, (outlet, trade) in enumerate(zip(outlets, trades, strict=True))
    )
    registry = Registry(
        enterprises=tuple(_enterprise(site, lang) for site in SITES),
        outlets=outlets,
        monitors=monitors,
        bindings=tuple(
            Binding(outlet=outlet.id, factor=signal.code)
            for outlet, trade in zip(outlets, trades, strict=True)
            for signal in trade.signals
        ),
    )
    unknown = set(happenings or ()) - {outlet.id for outlet in outlets}
    if unknown:
        raise KeyError(f"happenings at {sorted(unknown)}: no such outlet in the district")
    field = tuple(
        FieldMonitor(
            monitor=monitor,
            trade=trade,
            seed=zlib.crc32(f"{seed}|{monitor.outlet}".encode()),
            happenings=(happenings or {}).get(monitor.outlet, ()),
        )
        for monitor, trade in zip(monitors, trades, strict=True)
    )
    return District(registry=registry, monitors=field)


def mn_of(number: int) -> str:
    """The MN of the n-th monitor of the district: 24 characters 0-9A-F.

    >>> mn_of(10)
    '010000A8900016F0D000000A'
    """
    return f"010000A8900016F0{0xD0000000 + number:08X}"


def _enterprise(site: Site, lang: str) -> Enterprise:
    cell = f"{DISTRICT.say(lang)} / {site.town.say(lang)}"
    return Enterprise(id=site.id, name=site.name.say(lang), grid_cell=cell, home=home_of(site.id))


def _outlets(site: Site, lang: str) -> Iterator[Outlet]:
    """Outlets of each medium are numbered from 1."""
    seen: dict[str, int] = {}
    for trade in site.trades:
        letter = LETTER[TRADES[trade].medium]
        number = seen[letter] = seen.get(letter, 0) + 1
        yield Outlet(
            id=f"{site.id}-{letter}{number}",
            enterprise=site.id,
            name=OUTLET[letter].say(lang).format(n=number),
            medium=TRADES[trade].medium,
            labels=(("trade", trade),),
        )


def _at(outlet: str, trade: Trade, seed: int) -> Trade:
    """The trade as it is at one outlet: each concentration and flow up to 15 % beside the usual."""
    fixed = {"w01001", "w01010", "a19001", "a01012", "a01013", "a01008"}

    def scaled(code: str, level: float) -> float:
        share = zlib.crc32(f"{seed}|{outlet}|{code}".encode()) / 0xFFFFFFFF
        return level if code in fixed else level * (0.85 + 0.3 * share)

    return replace(trade, signals=tuple(replace(s, level=scaled(s.code, s.level)) for s in trade.signals))
