"""Channels: the signed webhook against a receiver that checks it, and the terminal."""

import asyncio
import socket
from dataclasses import replace

import pytest
from aiohttp import web

from engine.duty.channels.channel import Outcome, Status
from engine.duty.channels.make import make_channels
from engine.duty.channels.terminal import Terminal
from engine.duty.channels.webhook import Webhook, outcome_of
from engine.duty.page import Page
from engine.duty.settings import ChannelKind, ChannelSettings, Secret
from tests.duty_cases import window
from tests.duty_receiver import Answer, Receiver, listening, ok
from tests.test_duty_text import subject_of

PAGE = Page(
    page_id="p" * 64, person="li", person_name="李强", phone="", lang="zh", channel="bot", resend=False,
    subject=subject_of(window(0)),
)  # fmt: skip


def send(page: Page, *, answer: Answer = ok, secret: str = "k", timeout_s: float = 5.0) -> tuple[Outcome, Receiver]:
    async def run() -> tuple[Outcome, Receiver]:
        async with listening(Receiver(secret="k", answer=answer)) as receiver:
            hook = Webhook(url=receiver.url, secret=Secret(secret), timeout_s=timeout_s)
            outcome = await hook.send(page)
            await hook.close()
            return outcome, receiver

    return asyncio.run(run())


def test_a_page_arrives_signed_with_its_id_as_key_and_its_text() -> None:
    outcome, receiver = send(PAGE)
    assert outcome == Outcome(status=Status.DELIVERED, detail=outcome.detail, provider_id="m-1")
    assert receiver.keys == [PAGE.page_id]
    (body,) = receiver.bodies
    assert body["text"].startswith("【超标报警·2级】清源造纸厂")
    assert (body["person"], body["subject"]["value"], body["resend"]) == ("li", 68.0, False)


def test_a_resend_has_the_same_key_and_says_so() -> None:
    _, receiver = send(replace(PAGE, resend=True))
    assert receiver.keys == [PAGE.page_id]
    assert receiver.bodies[0]["text"].startswith("[重发]")


def test_a_wrong_secret_is_refused_by_the_receiver_and_never_shown() -> None:
    outcome, _ = send(PAGE, secret="swordfish")
    assert (outcome.status, outcome.retry) == (Status.REFUSED, False)
    assert "bad signature" in outcome.detail
    assert "swordfish" not in outcome.detail


ANSWERS = [
    ("no code and 200 is taken", 200, b"", Status.DELIVERED, False),
    ("code 0 is taken", 200, b'{"code": 0}', Status.DELIVERED, False),
    ("a 200 with another code is refused, as bots do when they throttle", 200, b'{"errcode": 130101}', Status.REFUSED, True),
    ("too many requests", 429, b"", Status.REFUSED, True),
    ("a server in trouble", 503, b"<html>", Status.REFUSED, True),
    ("an unknown path", 404, b"not found", Status.REFUSED, False),
    ("a redirection is not followed", 302, b"", Status.REFUSED, False),
    ("an answer that is a list", 200, b"[1]", Status.DELIVERED, False),
]


@pytest.mark.parametrize(("http", "body", "status", "retry"), [a[1:] for a in ANSWERS], ids=[a[0] for a in ANSWERS])
def test_answers(http: int, body: bytes, status: Status, retry: bool) -> None:
    found = outcome_of(http, body)
    assert (found.status, found.retry) == (status, retry)
    outcome, _ = send(PAGE, answer=lambda _: web.Response(status=http, body=body))
    assert (outcome.status, outcome.retry) == (status, retry)


def test_a_server_that_is_not_there_is_a_failure_to_try_again() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/hook"

    async def run() -> Outcome:
        hook = Webhook(url=url, secret=Secret("k"))
        try:
            return await hook.send(PAGE)
        finally:
            await hook.close()

    outcome = asyncio.run(run())
    assert (outcome.status, outcome.retry, outcome.uncertain) == (Status.FAILED, True, False)


def test_a_server_that_never_answers_may_have_the_page() -> None:
    async def run() -> Outcome:
        async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()

        server = await asyncio.start_server(hold, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        hook = Webhook(url=f"http://127.0.0.1:{port}/hook", secret=Secret("k"), timeout_s=0.05)
        try:
            return await hook.send(PAGE)
        finally:
            await hook.close()
            server.close()

    outcome = asyncio.run(run())
    assert (outcome.status, outcome.retry, outcome.uncertain) == (Status.FAILED, True, True)
    assert outcome.detail == "no answer within 0.05 s"


def test_the_terminal_prints_who_is_meant_and_the_text() -> None:
    shown: list[str] = []
    outcome = asyncio.run(Terminal(shown.append).send(PAGE))
    assert outcome.status is Status.DELIVERED
    assert shown[0].startswith("→ 李强  【超标报警·2级】清源造纸厂 1号锅炉烟囱：二氧化硫小时均值68mg/m3")


def test_channels_are_made_from_settings() -> None:
    made = make_channels(
        [
            ChannelSettings(name="here", kind=ChannelKind.TERMINAL),
            ChannelSettings(name="bot", kind=ChannelKind.WEBHOOK, url="http://localhost/", secret=Secret("k")),
        ]
    )
    assert {name: type(channel) for name, channel in made.items()} == {"here": Terminal, "bot": Webhook}
