"""Sample data for products: one latent product gives the picture and the matching price-list row."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from samplegen.errors import SamplegenError

if TYPE_CHECKING:
    from samplegen.export.reading import unquote_csv
    from samplegen.fidelity import Comparison, compare
    from samplegen.pipeline import Recipe, SampleSet, make, write_dataset
    from samplegen.templates import Template, find_templates, load_template

__version__ = "0.1.0"
__all__ = [
    "Comparison",
    "Recipe",
    "SampleSet",
    "SamplegenError",
    "Template",
    "compare",
    "find_templates",
    "load_template",
    "make",
    "unquote_csv",
    "write_dataset",
]

_HOMES = {
    "Comparison": "samplegen.fidelity",
    "compare": "samplegen.fidelity",
    "unquote_csv": "samplegen.export.reading",
    "Recipe": "samplegen.pipeline",
    "SampleSet": "samplegen.pipeline",
    "make": "samplegen.pipeline",
    "write_dataset": "samplegen.pipeline",
    "Template": "samplegen.templates",
    "find_templates": "samplegen.templates",
    "load_template": "samplegen.templates",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401  # a module holds anything
    """Import a public name on first use, so that importing samplegen costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'samplegen' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
