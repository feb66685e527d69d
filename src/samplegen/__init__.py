"""Sample data for products: one latent product gives the picture and the matching price-list row."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from samplegen.errors import MissingExtraError, SamplegenError

if TYPE_CHECKING:
    from samplegen.export.reading import unquote_csv
    from samplegen.fidelity import Comparison, compare
    from samplegen.pipeline import Recipe, SampleSet, make, write_dataset
    from samplegen.pipeline.checking import check_dataset
    from samplegen.pipeline.collecting import Collected, collect
    from samplegen.realdata.fitting import FitOptions, FitReport, fit_template
    from samplegen.realdata.limits import Limits
    from samplegen.realdata.serving import Shop, ShopServer
    from samplegen.templates import Template, find_templates, load_template

__version__ = "0.1.0"
__all__ = [
    "Collected",
    "Comparison",
    "FitOptions",
    "FitReport",
    "Limits",
    "Recipe",
    "SampleSet",
    "SamplegenError",
    "Shop",
    "ShopServer",
    "Template",
    "check_dataset",
    "collect",
    "compare",
    "find_templates",
    "fit_template",
    "load_template",
    "make",
    "unquote_csv",
    "write_dataset",
]

_HOMES = {
    "Comparison": "samplegen.fidelity",
    "compare": "samplegen.fidelity",
    "unquote_csv": "samplegen.export.reading",
    "Collected": "samplegen.pipeline.collecting",
    "collect": "samplegen.pipeline.collecting",
    "check_dataset": "samplegen.pipeline.checking",
    "FitOptions": "samplegen.realdata.fitting",
    "FitReport": "samplegen.realdata.fitting",
    "fit_template": "samplegen.realdata.fitting",
    "Limits": "samplegen.realdata.limits",
    "Shop": "samplegen.realdata.serving",
    "ShopServer": "samplegen.realdata.serving",
    "Recipe": "samplegen.pipeline",
    "SampleSet": "samplegen.pipeline",
    "make": "samplegen.pipeline",
    "write_dataset": "samplegen.pipeline",
    "Template": "samplegen.templates",
    "find_templates": "samplegen.templates",
    "load_template": "samplegen.templates",
}
_CLIENT = ("anyio", "httpcore", "httpx")


def __getattr__(name: str) -> Any:  # noqa: ANN401  # a module holds anything
    """Import a public name on first use, so that importing samplegen costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'samplegen' has no attribute {name!r}")
    try:
        return getattr(import_module(_HOMES[name]), name)
    except ModuleNotFoundError as error:
        if error.name not in _CLIENT:
            raise
        raise MissingExtraError(f"{name} needs an HTTP client: pip install 'samplegen[collect]'.") from error


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
