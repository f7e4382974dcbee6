"""A host that is asked over HTTP: small honest parts, any free port, and a client."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from engine.app import Parts
from engine.http.settings import HttpSettings
from engine.lifecycle import Host
from engine.settings import HostSettings
from tests.app_parts import Hand, Shelf, Tally

STAGES = ("intake", "detect", "store", "duty")

Values = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def parts_on(shelf: Shelf, http: HttpSettings, **changes: object) -> Parts:
    """Parts that count and shelve, with an HTTP endpoint."""
    base = Parts(store=shelf, desk=shelf, registry={"v": 1}, rules={"v": 1}, intake=Hand, judge=Tally, http=http)
    return replace(base, **changes)


def host_on(folder: Path, parts: Parts, **changes: Any) -> Host:
    """A host with two partitions that ticks often."""
    settings = HostSettings(data=folder / "data", partitions=2, tick_s=0.05, status_s=0.05, drain_s=5.0)
    return Host(replace(settings, **changes), parts)


def with_host(host: Host, act: Callable[["Asked"], Awaitable[None]]) -> None:
    """Run a host, do something with it when it is ready, stop it in order."""

    async def main() -> None:
        running = asyncio.create_task(host.run())
        ready = asyncio.create_task(host.ready.wait())
        await asyncio.wait({running, ready}, return_when=asyncio.FIRST_COMPLETED, timeout=20)
        assert not running.done()
        async with aiohttp.ClientSession() as session:
            await act(Asked(host, session))
        host.stop()
        await asyncio.wait_for(running, 30)

    asyncio.run(main())


class Asked:
    """A host, and questions to it."""

    def __init__(self, host: Host, session: aiohttp.ClientSession) -> None:
        self.host = host
        self._session = session

    async def get(self, path: str, **headers: str) -> tuple[int, Any]:
        """Status and body: what JSON says, or the text."""
        assert self.host.http is not None
        url = f"http://{self.host.http.address}{path}"
        async with self._session.get(url, headers=headers) as answer:
            is_json = answer.content_type == "application/json"
            return answer.status, await answer.json() if is_json else await answer.text()

    async def metrics_at_rest(self) -> Values:
        """The same, at an instant at which no stage is at a record."""
        async with asyncio.timeout(20):
            while True:
                values = await self.metrics()
                if all(given == done for given, done in (account(values, stage) for stage in STAGES[1:])):
                    return values

    async def metrics(self) -> Values:
        """Every sample by name and labels."""
        status, text = await self.get("/metrics")
        assert status == 200
        return values_in(text)


def values_in(text: str) -> Values:
    """Every sample of an answer of /metrics."""
    families = text_string_to_metric_families(text)
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}


def total(values: Values, name: str, **labels: str) -> float:
    """The sum of a metric over the labels that are not given."""
    wanted = set(labels.items())
    return sum(value for (found, its), value in values.items() if found == name and wanted <= set(its))


def account(values: Values, stage: str) -> tuple[float, float]:
    """What a stage was given, and what became of it."""
    names = ("outfall_stage_out_total", "outfall_stage_refused_total", "outfall_stage_again_total")
    return total(values, "outfall_stage_in_total", stage=stage), sum(total(values, name, stage=stage) for name in names)
