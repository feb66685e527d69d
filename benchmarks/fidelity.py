"""Measure how close the templates come to a real table; print the figures or write them into the documentation.

python benchmarks/fidelity.py --learned real.csv                      # prints; halves of the table for each other's floor
python benchmarks/fidelity.py --learned real.csv --unseen other.csv   # rows that nothing was learned from are the judge
python benchmarks/fidelity.py --learned real.csv --pack shipped=burberry --pack "min-count 5=./five" --write

The first pack is the one whose whole report is written. Nothing of single rows gets into the documentation.
"""

import argparse
import statistics
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from samplegen.fidelity import Comparison, compare
from samplegen.fidelity.measures import MEASURES, PRIVACY, USE
from samplegen.pipeline import Recipe, write_dataset

DOCS = Path(__file__).parents[1] / "docs"
PAGE, REPORT = DOCS / "fidelity.md", DOCS / "extra" / "reports" / "burberry.html"
BEGIN, END = "<!-- figures: begin, by benchmarks/fidelity.py -->", "<!-- figures: end -->"
SEEDS = (0, 1, 2)


@dataclass(frozen=True)
class Runs:
    """Comparisons of one pack, one a seed."""

    judged: list[Comparison]
    """Against the rows that judge, with the rows learned from as the floor."""
    learned: list[Comparison]
    """Against the rows learned from, with the judge as the holdout: what was copied, and models tested on the judge."""


@dataclass(frozen=True)
class Row:
    """A line of the table of goals. Goals and SDV's figures are given, not measured here."""

    title: str
    goal: str
    sdv: str
    value: Callable[[Runs], list[float]]
    floor: Callable[[Runs], float]


def _runs(found: Runs, name: str) -> list[Comparison]:
    """Copies are looked for in the rows learned from; models are tested on the holdout, so that must be the judge."""
    return found.learned if MEASURES[name].group in (PRIVACY, USE) else found.judged


def _score(name: str) -> tuple[Callable[[Runs], list[float]], Callable[[Runs], float]]:
    return (
        lambda found: [run.value(name) for run in _runs(found, name)],
        lambda found: _runs(found, name)[0].scores[name].floor.value,
    )


def _distinct() -> tuple[Callable[[Runs], list[float]], Callable[[Runs], float]]:
    def details(run: Comparison) -> dict[str, float]:
        return run.scores["distinct_titles"].synthetic.details

    return (
        lambda found: [details(run)["per_row_other"] for run in found.judged],
        lambda found: details(found.judged[0])["per_row_real"],
    )


GOALS = (
    Row("mean column shape", ">= 0.935", "0.930", *_score("column_shapes")),
    Row("mean pair trend", ">= 0.835", "0.690", *_score("pair_trends")),
    Row("category triple, 1 - total variation", ">= 0.80", "0.552", *_score("category_triples")),
    Row("two-sample AUC, codes and price", "<= 0.62", "0.986", *_score("auc_table")),
    Row("two-sample AUC, titles", "<= 0.70", "0.629", *_score("auc_titles")),
    Row("price R², trained on synthetic, tested on real", ">= 0.88", "0.725", *_score("price_r2")),
    Row(
        "titles found word for word among rows learned from",
        "<= 0.60",
        "1.00",
        *_score("titles_copied"),
    ),
    Row("real title words covered", ">= 0.70", "0.683", *_score("title_words_covered")),
    Row("distinct titles per row at equal size", "0.62 to 0.75", "0.468", *_distinct()),
)


def compare_pack(pack: str, learned: Path, judge: Path, other: Path, *, rows: int, folder: Path) -> Runs:
    """Make a price list of a pack for every seed and compare it."""
    judged, held = [], []
    for seed in SEEDS:
        made = folder / f"{Path(pack).name}-{seed}"
        write_dataset(Recipe(rows=rows, seed=seed, template=pack, image_size=None), made)
        judged.append(compare(judge, made, other, max_pictures=0))
        held.append(compare(learned, made, judge, max_pictures=0) if judge != learned else judged[-1])
    return Runs(judged, held)


def halves(table: Path, folder: Path) -> tuple[Path, Path]:
    """Write every other row of a CSV file to a file of its own."""
    rows = pyarrow.csv.read_csv(table, convert_options=pyarrow.csv.ConvertOptions(strings_can_be_null=False))
    paths = folder / "even-rows.csv", folder / "odd-rows.csv"
    for first, path in enumerate(paths):
        pyarrow.csv.write_csv(rows.take(pa.array(range(first, rows.num_rows, 2))), path)
    return paths


def figures(found: dict[str, Runs], *, rows: int, split: bool) -> str:
    """Write the tables of all packs as Markdown."""
    first = next(iter(found.values()))
    size = first.judged[0].rows_used
    made = f"{rows:,} synthetic rows a pack and seed, seeds {', '.join(map(str, SEEDS))}: mean (lowest to highest)."
    if split:
        how = (
            f"Every other row of the table is the judge, the rest gives the floor; tables are compared at {size:,} "
            f"rows. The packs know both halves, so scores may pass the floor; copies are looked for in the judge's, and "
            f"models are tested on the rest, with the floor trained on the judge's."
        )
    else:
        how = (
            f"The judge is a half of the table that nothing was learned from, the half learned from gives the floor; "
            f"tables are compared at {size:,} rows. Copies (privacy) are looked for in the half learned from, with "
            f"the other as the floor; models (use) are tested on the judge, with the floor trained on the other."
        )
    lines = [how, made, "", _header("Measure", ["floor", "goal", *found, "(SDV)"])]
    for row in GOALS:
        cells = [f"{row.floor(first):.3f}", row.goal, *(_spread(row.value(runs)) for runs in found.values())]
        lines.append(_line(row.title, [*cells, f"({row.sdv})"]))
    lines += ["", "All measures:", "", _header("Measure", ["floor", *found])]
    for name in MEASURES:
        used = {pack: _runs(runs, name) for pack, runs in found.items()}
        values = {pack: [run.value(name) for run in runs] for pack, runs in used.items()}
        if None in [value for each in values.values() for value in each]:
            continue
        floor = next(iter(used.values()))[0].scores[name].floor
        cells = ["" if floor is None else f"{floor.value:.3f}", *map(_spread, values.values())]
        lines.append(_line(f"`{name}`", cells))
    return "\n".join(lines)


def _header(first: str, names: list[str]) -> str:
    return f"| {first} | {' | '.join(names)} |\n|---|{'--:|' * len(names)}"


def _line(title: str, cells: list[str]) -> str:
    return f"| {title} | {' | '.join(cells)} |"


def _spread(values: list[float]) -> str:
    return f"{statistics.mean(values):.3f} ({min(values):.3f} to {max(values):.3f})"


def write_page(text: str) -> None:
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--learned", type=Path, required=True, help="real CSV file that the packs were learned from"
    )
    parser.add_argument("--unseen", type=Path, help="real CSV file that nothing was learned from")
    parser.add_argument("--pack", action="append", metavar="NAME=PACK", help="default: shipped=burberry")
    parser.add_argument("--rows", type=int, default=3040, help="synthetic rows (default 3040)")
    parser.add_argument("--write", action="store_true", help="into docs/fidelity.md and docs/extra/reports")
    options = parser.parse_args()
    packs = dict(entry.split("=", 1) for entry in options.pack or ["shipped=burberry"])
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        judge, other = (
            (options.unseen, options.learned) if options.unseen else halves(options.learned, folder)
        )
        learned = options.learned if options.unseen else judge
        found = {
            name: compare_pack(pack, learned, judge, other, rows=options.rows, folder=folder)
            for name, pack in packs.items()
        }
        text = figures(found, rows=options.rows, split=options.unseen is None)
        print(text)
        if options.write:
            write_page(text)
            REPORT.parent.mkdir(parents=True, exist_ok=True)
            next(iter(found.values())).judged[0].write(REPORT, samples=False)


if __name__ == "__main__":
    main()
