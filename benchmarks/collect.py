"""Measure how fast pictures are collected from a server on this machine; print the figures.

python benchmarks/collect.py                 # about a minute on two cores
python benchmarks/collect.py --rows 1000 --rounds 1

The server is a process of its own. Two peers ask it for the same pictures in the same run: one request after the other
on a kept connection (httpx), and the usual short script, a pool of threads with a client. Both only download; samplegen
decodes every picture, keeps it for a resume, and writes the dataset.
"""

import argparse
import io
import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path

import httpx
import numpy as np
from PIL import Image

from samplegen.pipeline.collecting import collect
from samplegen.realdata.limits import Limits

SIDE = 96
DIFFERENT = 64
"""Different pictures that the server has ready; addresses differ for every row."""


def pictures() -> list[bytes]:
    """JPEG pictures of SIDE x SIDE pixels with some detail, a few kilobytes each."""
    found = []
    for number in range(DIFFERENT):
        noise = np.random.default_rng(number).normal(128, 40, (SIDE // 4, SIDE // 4, 3)).clip(0, 255)
        image = Image.fromarray(noise.astype(np.uint8)).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        output = io.BytesIO()
        image.save(output, "JPEG", quality=90)
        found.append(output.getvalue())
    return found


def serve(pipe: Connection) -> None:
    """Answer as quickly as one process of Python can, so that the clients are what is measured."""
    import asyncio

    bodies = [
        b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        for body in pictures()
    ]

    class Answers(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport
            self.held = b""

        def data_received(self, data: bytes) -> None:
            self.held += data
            while b"\r\n\r\n" in self.held:
                head, _, self.held = self.held.partition(b"\r\n\r\n")
                number = int(head.split(b" ", 2)[1].rpartition(b"/")[2].partition(b".")[0])
                self.transport.write(bodies[number % DIFFERENT])  # type: ignore[attr-defined]

    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(Answers, "127.0.0.1", 0, backlog=256)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


def one_by_one(addresses: list[str]) -> None:
    with httpx.Client() as client:
        for address in addresses:
            client.get(address).raise_for_status()


def pool_of_threads(addresses: list[str]) -> None:
    with httpx.Client() as client, ThreadPoolExecutor(8) as pool:
        for answer in pool.map(client.get, addresses):
            answer.raise_for_status()


def collected(addresses: list[str], *, per_host: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list.csv"
        lines = [f"{n},Title {n},{address}" for n, address in enumerate(addresses)]
        path.write_text("\n".join(["product_code,title,imageurl", *lines]))
        result = collect(
            str(path), Path(folder) / "out", allow_private=True, limits=Limits(per_host=per_host)
        )
        if result.manifest.rows != len(addresses):
            raise SystemExit(f"only {result.manifest.rows} rows of {len(addresses)}: {result.failed}")


def rate(work: Callable[[list[str]], None], addresses: list[str]) -> tuple[float, float]:
    """Return pictures a second by the clock, and by the time of this process's processors."""
    clock, processor = time.perf_counter(), time.process_time()
    work(addresses)
    return (
        len(addresses) / (time.perf_counter() - clock),
        len(addresses) / (time.process_time() - processor),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=3040)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--per-host", type=int, default=8)
    args = parser.parse_args()
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    origin = f"http://127.0.0.1:{ours.recv()}"
    addresses = [f"{origin}/{number}.jpg" for number in range(args.rows)]
    few = addresses[: max(args.rows // 4, 1)]
    racers: dict[str, tuple[Callable[[list[str]], None], list[str]]] = {
        "httpx, one by one, download only": (one_by_one, few),
        "httpx, 8 threads, download only": (pool_of_threads, few),
        "samplegen collect": (lambda asked: collected(asked, per_host=args.per_host), addresses),
    }
    collected(few[:50], per_host=args.per_host)  # what is loaded on first use is not what is measured
    rates: dict[str, list[tuple[float, float]]] = {name: [] for name in racers}
    for _ in range(args.rounds):
        for name, (work, asked) in racers.items():
            rates[name].append(rate(work, asked))
    server.terminate()
    size = sum(map(len, pictures())) / DIFFERENT / 1000
    print(
        f"{args.rows} pictures of {SIDE} x {SIDE} px, {size:.1f} kB; {args.per_host} at a time; median of "
        f"{args.rounds} alternated rounds on {len(os.sched_getaffinity(0))} cores; load {os.getloadavg()[0]:.1f}\n"
    )
    print("| client | pictures/s | ratio | pictures per processor second |")
    print("|---|--:|--:|--:|")
    peer = statistics.median(clock for clock, _ in rates["httpx, one by one, download only"])
    for name, found in rates.items():
        clock = statistics.median(clock for clock, _ in found)
        processor = statistics.median(processor for _, processor in found)
        print(f"| {name} | {clock:.0f} | {clock / peer:.1f}x | {processor:.0f} |")


if __name__ == "__main__":
    main()
