"""The receiver takes pages whose signature is right, each once, and refuses the others."""

import asyncio
from typing import Any

import aiohttp

from engine.demo.receiver import Receiver
from engine.duty.channels.webhook import sign
from engine.duty.settings import Secret

BODY = b'{"page_id":"p1","text":"hello"}'


async def post(url: str, body: bytes, signature: str) -> int:
    headers = {"Outfall-Timestamp": "1772337600", "Outfall-Signature": signature}
    async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=headers) as answer:
        return answer.status


async def exchange() -> tuple[list[int], Receiver, list[dict[str, Any]]]:
    pages: list[dict[str, Any]] = []
    secret = Secret("swordfish")
    receiver = Receiver(secret, pages.append)
    url = await receiver.start()
    right = f"v1={sign(secret, '1772337600', BODY)}"
    statuses = [
        await post(url, BODY, right),
        await post(url, BODY, right),
        await post(url, BODY.replace(b"hello", b"hallo"), right),
        await post(url, BODY, ""),
    ]
    await receiver.stop()
    return statuses, receiver, pages


def test_a_signed_page_is_taken_once_and_a_forged_one_never() -> None:
    statuses, receiver, pages = asyncio.run(exchange())
    assert statuses == [200, 200, 401, 401]
    assert receiver.seen == {"p1": 2} and receiver.forged == 2
    assert [page["text"] for page in pages] == ["hello"]
