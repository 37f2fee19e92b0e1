"""The service under load, against the bare work that its answers need.

    python benchmarks/serving.py --bundle runs/ham10000/bundle --images FOLDER [--users 300] [--json FILE]

Everything as `nevus up` ships it: a key, storing, metrics, limits; the clients run on the same machine. In one run:

- the bare work: processor time of decoding an image and of one run of the graph, on all processors, nothing else;
- 8 clients: the server's processor time a request against bare / .85, and in which threads it went; requests a second,
  p99 against the median;
- /health while 8 clients predict;
- many users for a minute: statuses, accepted rate against the 8 clients', memory of the second half;
- promote and rollback under 8 clients: failed requests;
- cold start to ready.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import simplejpeg

from http_load import Load, read_answer, request_bytes, run_load, user
from jpegs import read_jpegs
from nevus.bundle import Predictor, write_checksums
from nevus.bundle.source import decode_source, framed_input
from nevus.bundle.usable_cpus import usable_cpus
from nevus.evaluation.gate import GateVerdict
from nevus.store import Registry, StoreSettings, open_store
from nevus.store.keys import ApiKeys
from nevus.store.registry.from_bundle import describe_bundle

HOST = "127.0.0.1"
COMMENT_BYTES = 20
Found = dict[str, Any]


def bare(bundle: Path, images: list[bytes], rounds: int = 3) -> dict[str, float]:
    """Milliseconds of processor time of an image; each is decoded, then judged, on all processors at once as served.

    decode: in full, as an ordinary decoder does. scaled: decoding at a reduced size, as the predictor does where the
    frame needs no more. session: one run of the graph on a framed image. Medians of rounds.
    """
    with Predictor(bundle, threads=1) as predictor, ThreadPoolExecutor(usable_cpus()) as pool:
        spec = predictor.manifest.input
        frames = [framed_input(decode_source(i, predictor.limits, spec).pixels, spec)[None] for i in images]

        def once(_: int) -> tuple[float, float, float]:
            spent = [0.0, 0.0, 0.0]
            for image, pixels in zip(images, frames, strict=True):
                at = time.thread_time()
                simplejpeg.decode_jpeg(image)
                decoded = time.thread_time()
                predictor._runtime.run(pixels, predictor._encoded(None))
                ran = time.thread_time()
                decode_source(image, predictor.limits, spec)
                scaled = time.thread_time()
                for stage, ms in enumerate((decoded - at, ran - decoded, scaled - ran)):
                    spent[stage] += ms * 1e3 / len(images)
            return spent[0], spent[1], spent[2]

        found = np.median(list(pool.map(once, range(rounds * usable_cpus()))), axis=0)
    return dict(zip(("decode_ms", "session_ms", "scaled_ms"), found.tolist(), strict=True))


class Server:
    """`nevus serve` in a process of its own, with a home of its own."""

    def __init__(self, home: Path, *, bundle: Path | None, key: str, port: int) -> None:
        self.port, self.key = port, key
        command = [sys.executable, "-m", "nevus", "serve", "--home", str(home), "--host", HOST, "--port", str(port)]
        command += ["--bundle", str(bundle)] if bundle else []
        self.started = time.perf_counter()
        self._log = (home / "server.log").open("ab")
        self.process = subprocess.Popen(command, stdout=self._log, stderr=self._log)
        self.ready_seconds = self._wait()

    def _wait(self) -> float:
        while time.perf_counter() - self.started < 60:
            with (
                contextlib.suppress(OSError),
                urllib.request.urlopen(f"http://{HOST}:{self.port}/ready", timeout=2) as r,
            ):
                if r.status == 200:
                    return time.perf_counter() - self.started
            time.sleep(0.02)
        raise SystemExit("the server was not ready within a minute")

    def cpu(self) -> float:
        """Seconds of processor time so far."""
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)

    def cpu_by_thread(self) -> dict[int, float]:
        """The same of each thread by its number; the event loop's is the process's own."""
        threads = psutil.Process(self.process.pid).threads()
        return {thread.id: float(thread.user_time + thread.system_time) for thread in threads}

    def memory(self) -> float:
        """Resident megabytes."""
        return psutil.Process(self.process.pid).memory_info().rss / 1e6

    def stop(self) -> None:
        """End it and wait."""
        self.process.terminate()
        self.process.wait(30)
        self._log.close()


@contextlib.contextmanager
def served(home: Path, **options: Any) -> Iterator[Server]:
    """A server for a while."""
    server = Server(home, **options)
    try:
        yield server
    finally:
        server.stop()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def make_key(home: Path) -> str:
    """An administrator's key of a new home."""
    with open_store(StoreSettings(home=home)) as store:
        return ApiKeys(store).create("benchmark", "admin", by="benchmark")[0]


class NewPictures(Sequence[bytes]):
    """Requests on JPEGs, as they are but for a comment that makes each a picture that was never sent before.

    The same few files again and again would be kept once, over and over: no service sees that.
    """

    def __init__(self, images: Sequence[bytes], port: int, key: str) -> None:
        head = {"content_type": "image/jpeg", "authorization": f"Bearer {key}"}
        self._numbers = itertools.count()
        self._parts = []
        for image in images:
            sent = request_bytes(
                "POST", "/v1/predictions", f"{HOST}:{port}", image[:2] + self._comment() + image[2:], **head
            )
            at = len(sent) - len(image) + 2
            self._parts.append((sent[: at - COMMENT_BYTES], sent[at:]))

    def __len__(self) -> int:
        """How many different images."""
        return len(self._parts)

    def __getitem__(self, number: Any) -> Any:
        """Another request each time."""
        before, after = self._parts[number]
        return b"".join((before, self._comment(), after))

    def _comment(self) -> bytes:
        return b"\xff\xfe\x00\x12%016d" % next(self._numbers)


async def health_beside(port: int, requests: Sequence[bytes], seconds: float) -> tuple[Load, list[float]]:
    """Seconds of /health, asked every 20 ms while 8 clients predict."""
    times: list[float] = []

    async def ask() -> None:
        reader, writer = await asyncio.open_connection(HOST, port)
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            started = time.perf_counter()
            writer.write(request_bytes("GET", "/health", HOST))
            await read_answer(reader)
            times.append(time.perf_counter() - started)
            await asyncio.sleep(0.02)
        writer.close()

    load, _ = await asyncio.gather(run_load(HOST, port, requests, users=8, seconds=seconds), ask())
    return load, times


async def crowd(server: Server, requests: Sequence[bytes], users: int, seconds: float) -> tuple[Load, list[float]]:
    """Many users; the server's memory every second."""
    memory: list[float] = []

    async def watch() -> None:
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            memory.append(server.memory())
            await asyncio.sleep(1)

    load, _ = await asyncio.gather(run_load(HOST, server.port, requests, users=users, seconds=seconds), watch())
    return load, memory


async def change_under_load(server: Server, requests: Sequence[bytes], refs: list[str], seconds: float) -> Load:
    """Promote the second version and roll back, again and again, under 8 clients."""
    load = Load()
    until = time.perf_counter() + seconds
    model, number = refs[1].split("/")

    async def change() -> int:
        count = 0
        while time.perf_counter() < until:
            # what was rolled back is retired, and must be approved again before it is promoted again
            version = f"/v1/models/{model}/{number}"
            for path in (f"{version}/promote", f"/v1/models/{model}/rollback", f"{version}/approve"):
                reader, writer = await asyncio.open_connection(HOST, server.port)
                head = {"content_type": "application/json", "authorization": f"Bearer {server.key}"}
                writer.write(request_bytes("POST", path, HOST, b'{"note": "benchmark"}', **head))
                status, _, body = await asyncio.wait_for(read_answer(reader), 60)
                writer.close()
                if status != 200:
                    raise SystemExit(f"{path}: {status} {body.decode()}")
                count += not path.endswith("approve")
                await asyncio.sleep(0.5)
        return count

    started = time.perf_counter()
    *_, changes = await asyncio.gather(
        *(user(HOST, server.port, requests, load, until=until, first=n * 7) for n in range(8)), change()
    )
    load.wall = time.perf_counter() - started
    print(f"  {changes} changes of the champion")
    return load


def registered_home(home: Path, bundle: Path) -> list[str]:
    """A store with two approved versions of the bundle, the first one champion."""
    second = home / "second"
    shutil.copytree(bundle, second)
    (second / "card.md").write_text("a second version, for the benchmark\n")
    write_checksums(second)
    refs = []
    with open_store(StoreSettings(home=home)) as store:
        registry = Registry(store)
        for folder in (bundle, second):
            verdict = GateVerdict.model_construct(passed=True, policy="benchmark", lines=())
            new = replace(describe_bundle(folder, verdict=verdict), reasons=(), gate_passed=True)
            version = registry.register(new, by="benchmark").version
            refs.append(f"{version.model}/{version.number}")
            registry.approve(refs[-1], by="benchmark", note="benchmark")
        registry.promote(refs[0], by="benchmark")
    return refs


def measure_clients(
    server: Server, requests: Sequence[bytes], seconds: float, bundle: Path, images: list[bytes]
) -> Found:
    """8 clients: the server's processor time a request against the bare work, measured before and after.

    Of the other threads than the event loop's, as many as there are processors judge: the busiest are taken for them.
    """
    before_bare, cpu, threads = bare(bundle, images), server.cpu(), server.cpu_by_thread()
    load = asyncio.run(run_load(HOST, server.port, requests, users=8, seconds=seconds))
    answered = max(load.answered, 1)
    cost = (server.cpu() - cpu) / answered * 1e3
    spent = {number: (at - threads.get(number, 0)) / answered * 1e3 for number, at in server.cpu_by_thread().items()}
    loop = spent.pop(server.process.pid)
    judging = sum(sorted(spent.values())[-usable_cpus() :])
    after_bare = bare(bundle, images)
    work = {name: (before_bare[name] + after_bare[name]) / 2 for name in before_bare}
    need = work["decode_ms"] + work["session_ms"]
    median, p99 = load.quantile(0.5) * 1e3, load.quantile(0.99) * 1e3
    print(
        f"bare: decode {work['decode_ms']:.2f} (scaled {work['scaled_ms']:.2f}) + graph {work['session_ms']:.2f} = "
        f"{need:.2f} ms of processor an image"
    )
    print(f"8 clients: {load.rate:.1f} requests/s, {dict(load.statuses)}, {len(load.failures)} broken")
    print(f"  server {cost:.2f} ms of processor a request; bare / server = {need / cost:.3f} (goal .85)")
    print(
        f"  of these: judging {judging:.2f}, event loop {loop:.2f}, database and the rest {cost - judging - loop:.2f}"
    )
    print(f"  median {median:.1f} ms, p99 {p99:.1f} ms = {p99 / median:.2f} x (goal 5)")
    return work | {
        "request_cpu_ms": cost,
        "judging_ms": judging,
        "event_loop_ms": loop,
        "bare_share": need / cost,
        "rate_8": load.rate,
        "median_ms": median,
        "p99_ms": p99,
        "statuses_8": dict(load.statuses),
    }


def measure_health(server: Server, requests: Sequence[bytes], seconds: float) -> Found:
    """/health while 8 clients predict."""
    _, times = asyncio.run(health_beside(server.port, requests, seconds))
    p99 = float(np.quantile(times, 0.99) * 1e3)
    print(f"/health beside 8 clients: p99 {p99:.1f} ms of {len(times)} (goal 20)")
    return {"health_p99_ms": p99}


def measure_crowd(server: Server, requests: Sequence[bytes], users: int, seconds: float) -> Found:
    """Many users at once."""
    load, memory = asyncio.run(crowd(server, requests, users, seconds))
    half = memory[len(memory) // 2 :]
    growth = half[-1] / half[0] - 1
    print(f"{users} users: {load.rate:.1f} answered/s, {dict(load.statuses)}, {len(load.failures)} broken")
    print(f"  memory {half[0]:.0f} to {half[-1]:.0f} MB in the second half: {growth:+.1%} (goal under 5 %)")
    for failure in load.failures[:3]:
        print(f"  {failure}")
    return {
        "rate_crowd": load.rate,
        "statuses_crowd": dict(load.statuses),
        "broken_crowd": len(load.failures),
        "memory_growth": growth,
        "memory_mb": half[-1],
    }


def measure_change(server: Server, requests: Sequence[bytes], refs: list[str], seconds: float) -> Found:
    """Promote and rollback under 8 clients."""
    load = asyncio.run(change_under_load(server, requests, refs, seconds))
    print(f"promote and rollback under 8 clients: {dict(load.statuses)}, {len(load.failures)} broken")
    print(f"  median {load.quantile(0.5) * 1e3:.1f} ms, p99 {load.quantile(0.99) * 1e3:.1f} ms")
    return {"statuses_change": dict(load.statuses), "broken_change": len(load.failures)}


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--images", type=Path, required=True, help="folder of JPEGs")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--users", type=int, default=300)
    parser.add_argument("--crowd-seconds", type=float, default=60)
    parser.add_argument("--only", default="clients,health,crowd,change", help="which parts, with commas")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    parts = asked.only.split(",")
    images = read_jpegs(asked.images)
    result: Found = {"images": len(images), "bytes": float(np.mean([len(i) for i in images]))}
    with tempfile.TemporaryDirectory(prefix="nevus-bench-") as folder:
        home = Path(folder) / "home"
        home.mkdir(mode=0o700)
        key = make_key(home)
        refs = registered_home(home, asked.bundle) if "change" in parts else []
        with served(home, bundle=None if refs else asked.bundle, key=key, port=free_port()) as server:
            result["cold_start_s"] = server.ready_seconds
            print(f"cold start to ready: {server.ready_seconds:.2f} s (goal 3)")
            requests = NewPictures(images, server.port, key)
            asyncio.run(run_load(HOST, server.port, requests, users=8, seconds=3))
            if "clients" in parts:
                result |= measure_clients(server, requests, asked.seconds, asked.bundle, images)
            if "health" in parts:
                result |= measure_health(server, requests, asked.seconds)
            if "crowd" in parts:
                result |= measure_crowd(server, requests, asked.users, asked.crowd_seconds)
            if "change" in parts:
                result |= measure_change(server, requests, refs, asked.seconds)
    if asked.json:
        asked.json.write_text(json.dumps(result, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    raise SystemExit(main())
