"""Measure speed and memory; print the figures and write them to benchmarks/results.md.

python benchmarks/run.py            # about ten minutes on two cores
python benchmarks/run.py --quick    # about one; prints only
"""

import argparse
import os
import platform
from dataclasses import dataclass
from pathlib import Path

from commands import Race, peak_memory, race

RESULTS = Path(__file__).parent / "results.md"
SLOWEST = 10


@dataclass(frozen=True)
class Effort:
    rows: int
    peer_rows: int
    rounds: int
    pictures: int
    metadata_rows: int
    faker_rows: int
    memory_rows: tuple[int, int]


FULL = Effort(3040, 400, 3, 200, 500_000, 5000, (5000, 50_000))
QUICK = Effort(400, 100, 1, 60, 100_000, 1000, (300, 1500))


def machine() -> str:
    return f"{len(os.sched_getaffinity(0))} cores, {_cpu_model()}, Python {platform.python_version()}"


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")),
        platform.machine(),
    )


def whole_command(effort: Effort) -> list[str]:
    jpeg = race(effort.rows, effort.peer_rows, rounds=effort.rounds)
    lines = [
        "## The whole command, cold start included",
        "",
        (
            f"`samplegen make --rows {effort.rows} --workers 2` against `peer_faker_pillow.py --rows {effort.peer_rows}`, "
            f"both 512x512; median of {effort.rounds}, alternated."
        ),
        "",
        "| command | rows/s | ratio |",
        "|---|--:|--:|",
        f"| samplegen, 2 workers | {jpeg.rate:.0f} | **{jpeg.ratio:.1f}x** |",
        _peer_line("Faker + Pillow + datasets, JPEG", jpeg),
    ]
    if effort is FULL:
        png = race(effort.rows, effort.peer_rows, rounds=effort.rounds, encoding="png")
        lines.append(_peer_line("the same, PNG (what `datasets` makes of a Pillow image)", png))
    return lines


def _peer_line(name: str, result: Race) -> str:
    return f"| {name} | {result.peer_rate:.1f} | 1x (samplegen: {result.ratio:.1f}x) |"


def one_picture(effort: Effort) -> list[str]:
    from pictures import picture_costs

    everything, costs = picture_costs(effort.pictures)
    return [
        "## One picture: drawing and JPEG encoding against encoding alone",
        "",
        (
            f"512x512, quality 90, one core, median over {everything.rows} rows: {everything.whole_ms:.1f} ms against "
            f"{everything.jpeg_ms:.2f} ms, **{everything.ratio:.1f}x**. The slowest garment types:"
        ),
        "",
        "| garment type | rows | draw and encode, ms | encode, ms | ratio |",
        "|---|--:|--:|--:|--:|",
        *(
            f"| {c.garment} | {c.rows} | {c.whole_ms:.1f} | {c.jpeg_ms:.2f} | {c.ratio:.1f}x |"
            for c in costs[:SLOWEST]
        ),
    ]


def metadata(effort: Effort) -> list[str]:
    from metadata import metadata_rates

    rates = metadata_rates(effort.metadata_rows, effort.faker_rows)
    return [
        "## Metadata only",
        "",
        f"{rates.rows:,} rows of 17 columns to Parquet on one core, against Faker in memory, row by row.",
        "",
        "| | rows/s | samplegen is faster by |",
        "|---|--:|--:|",
        f"| samplegen, written to Parquet | {rates.samplegen:,.0f} | |",
        (
            f"| Faker, a provider for every column | {rates.faker_plain:,.0f} | "
            f"**{rates.samplegen / rates.faker_plain:.0f}x** |"
        ),
        (
            f"| Faker, columns that agree (the peer script's rows) | {rates.faker_rules:,.0f} | "
            f"{rates.samplegen / rates.faker_rules:.0f}x |"
        ),
    ]


def memory(effort: Effort) -> list[str]:
    few, many = (peak_memory(rows, 64) for rows in effort.memory_rows)
    return [
        "## Memory",
        "",
        "Peak resident memory of the largest process, 2 workers, 64x64 pictures.",
        "",
        "| rows | peak, MB |",
        "|--:|--:|",
        f"| {effort.memory_rows[0]:,} | {few:.0f} |",
        f"| {effort.memory_rows[1]:,} | {many:.0f} ({(many / few - 1) * 100:+.1f}%) |",
    ]


SECTIONS = {"command": whole_command, "memory": memory, "picture": one_picture, "metadata": metadata}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer rows; prints only")
    parser.add_argument("--only", choices=SECTIONS, help="one section; prints only")
    args = parser.parse_args()
    lines = ["# Benchmark results", "", f"Made by `python benchmarks/run.py` on {machine()}."]
    print("\n".join(lines), flush=True)
    # Commands first: while this process is small, it adds nothing to the memory that they report.
    for name, section in SECTIONS.items():
        if args.only in (None, name):
            part = ["", *section(QUICK if args.quick else FULL)]
            print("\n".join(part), flush=True)
            lines += part
    if not (args.quick or args.only):
        RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
