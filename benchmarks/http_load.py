"""Many clients of one HTTP server, cheap enough to run beside it: raw requests over kept-alive connections."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Load:
    """What a load met with. seconds: of the answers 2xx, from sending to the whole answer."""

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    wall: float = 0.0

    @property
    def answered(self) -> int:
        """Answers 2xx."""
        return sum(n for status, n in self.statuses.items() if 200 <= status < 300)

    @property
    def rate(self) -> float:
        """Answers 2xx a second."""
        return self.answered / self.wall if self.wall else 0.0

    def quantile(self, share: float) -> float:
        """Seconds within which this share was answered."""
        ordered = sorted(self.seconds)
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else float("nan")


def request_bytes(method: str, path: str, host: str, body: bytes = b"", **headers: str) -> bytes:
    """A request as it goes over the wire; `content_type=` becomes Content-Type."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of one answer."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    status = int(head[0].split(" ", 2)[1])
    headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:] if line)}
    length = int(headers.get("content-length", "0"))
    return status, headers, await reader.readexactly(length) if length else b""


async def user(
    host: str, port: int, requests: Sequence[bytes], load: Load, *, until: float, first: int = 0, pause: float = 0.0
) -> None:
    """Ask one thing after another until a moment of `time.perf_counter`; wait as long as a 429 asks."""
    connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
    number = first
    while time.perf_counter() < until:
        try:
            if connection is None:
                connection = await asyncio.open_connection(host, port)
            reader, writer = connection
            started = time.perf_counter()
            writer.write(requests[number % len(requests)])
            await writer.drain()
            status, headers, _ = await asyncio.wait_for(read_answer(reader), 60)
        except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
            load.failures.append(f"{type(error).__name__}: {error}")
            if connection is not None:
                connection[1].close()
            connection = None
            await asyncio.sleep(0.05)
            continue
        number += 1
        load.statuses[status] += 1
        if 200 <= status < 300:
            load.seconds.append(time.perf_counter() - started)
        if headers.get("connection", "").lower() == "close":
            connection[1].close()
            connection = None
        if status == 429:
            await asyncio.sleep(float(headers.get("retry-after", "1")))
        elif pause:
            await asyncio.sleep(pause)
    if connection is not None:
        connection[1].close()


async def run_load(host: str, port: int, requests: Sequence[bytes], *, users: int, seconds: float) -> Load:
    """So many users at once for so long, each without a pause between its requests."""
    load = Load()
    started = time.perf_counter()
    until = started + seconds
    await asyncio.gather(
        *(user(host, port, requests, load, until=until, first=n * 7) for n in range(users)), return_exceptions=False
    )
    load.wall = time.perf_counter() - started
    return load
