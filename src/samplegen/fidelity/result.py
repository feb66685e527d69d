"""The result of a comparison: scores, what they were computed from, and the files to keep them in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pandas as pd

from samplegen import __version__
from samplegen.fidelity import prices
from samplegen.fidelity.measures import MEASURES, check_thresholds
from samplegen.fidelity.pictures import Gallery
from samplegen.fidelity.report import write_report
from samplegen.fidelity.scores import Score, plain
from samplegen.fidelity.settings import Settings
from samplegen.fidelity.tables import Source
from samplegen.fidelity.target import KIND

_REASONS = 5  # why pictures were left out; there may be thousands
_LIBRARIES = ("numpy", "opencv-python-headless", "pandas", "pillow", "scikit-learn", "scipy", "sdmetrics")


@dataclass(frozen=True)
class Comparison:
    """How close a synthetic dataset comes to a real one.

    Attributes:
        scores: By the names of `MEASURES`, each beside its floor.
        sources: ``real``, ``synthetic`` and, where given, ``holdout``.
        rows_used: How many rows of each were compared.
        notes: What a reader must know: sub-samples, columns on one side only, pictures that do not decode.
        frames: The rows that were compared, by the same names.
        galleries: The pictures that were compared, by the same names.
    """

    scores: Mapping[str, Score]
    sources: Mapping[str, Source] = field(repr=False)
    rows_used: int
    notes: tuple[str, ...]
    settings: Settings
    frames: Mapping[str, pd.DataFrame] = field(repr=False)
    galleries: Mapping[str, Gallery] = field(repr=False)

    def value(self, name: str) -> float | None:
        """Return the synthetic data's value of a measure; None where it cannot be computed."""
        return self.scores[name].synthetic.value

    def remarks(self, *, samples: bool = True) -> list[str]:
        """Return the notes, and for each column what in it is no number.

        Args:
            samples: Whether the first such cell is shown.
        """
        return [*self.notes] + [
            f"{role.capitalize()} {cells.column}: {cells.count:,} of {source.rows:,} cells are no numbers and count as "
            f"missing{f'; the first, in row {cells.row:,}, is {cells.text!r}' if samples else ''}."
            for role, source in self.sources.items()
            for cells in source.no_numbers
        ]

    def failures(self, thresholds: Mapping[str, float]) -> list[str]:
        """Say which scores are worse than their threshold, one sentence each; empty when all are met.

        Args:
            thresholds: By measure. Of a measure whose low values are good, higher ones fail.

        Raises:
            FidelityError: If there is no such measure, or it can never reach its threshold.
        """
        check_thresholds(thresholds)
        sentences = []
        for name, threshold in thresholds.items():
            measure, found = MEASURES[name], self.scores[name].synthetic
            if found.value is None:
                sentences.append(f"{name}: cannot be computed: {found.reason}")
            elif not measure.is_met(found.value, threshold):
                side = "below" if measure.best > measure.worst else "above"
                sentences.append(f"{name}: {found.value:.4f} is {side} {threshold:g}")
        return sentences

    def to_dict(self, *, samples: bool = True) -> dict[str, Any]:
        """Return every number with versions, seed and row counts; the same inputs give the same values.

        Args:
            samples: Whether broken rules are shown by an example row, and pictures left out by their names.
        """
        scores = {name: score.to_dict() for name, score in self.scores.items()}
        for outcome in () if samples else (scores["rule_adherence"], scores["rule_adherence"]["floor"]):
            if outcome and "details" in outcome:
                del outcome["details"]["examples"]
        densities = prices.price_densities(self.frames["real"], self.frames["synthetic"])
        return {
            "kind": KIND,
            "samplegen": __version__,
            "versions": {name: _version(name) for name in _LIBRARIES},
            "seed": self.settings.seed,
            "limits": {"rows": self.settings.max_rows, "pictures": self.settings.max_pictures},
            "data": {
                role: {
                    "name": source.name,
                    "rows": source.rows,
                    "rows_compared": len(self.frames[role]),
                    "columns": list(source.table.column_names),
                    "pictures": source.picture_count,
                    "pictures_compared": len(source.photos),
                    "pictures_left_out": len(source.unreadable),
                }
                | ({"left_out": list(source.unreadable[:_REASONS])} if samples else {})
                for role, source in self.sources.items()
            },
            "notes": self.remarks(samples=samples),
            "scores": scores,
            "charts": plain({"price_densities": densities}),
        }

    def write(self, page: str | Path, *, samples: bool = True) -> tuple[Path, Path]:
        """Write the page, and the numbers beside it under the same name with ``.json``.

        Args:
            page: Where to; must end in ``.html``.
            samples: Whether titles and pictures of both sides are shown. Without them there is nothing of single
                rows in the files, only shares, means and names of categories.

        Returns:
            The paths of both.

        Raises:
            ExportError: If a file cannot be written.
        """
        return write_report(self, Path(page), samples=samples)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
