"""Real and synthetic data compared: scores beside what real data get, a page and the numbers."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from samplegen.errors import MissingExtraError

if TYPE_CHECKING:
    from samplegen.fidelity.comparison import compare
    from samplegen.fidelity.result import Comparison

__all__ = ["Comparison", "compare"]

_HOMES = {"Comparison": "samplegen.fidelity.result", "compare": "samplegen.fidelity.comparison"}
_EXTRA = ("jinja2", "markupsafe", "pandas", "scipy", "sdmetrics", "sklearn", "threadpoolctl")
_NAMES = {"sklearn": "scikit-learn"}  # where a library installs under another name


def __getattr__(name: str) -> Any:  # noqa: ANN401  # a module holds anything
    """Import a name on first use, so that a wrong option is refused before seconds of imports."""
    if name not in _HOMES:
        raise AttributeError(f"module 'samplegen.fidelity' has no attribute {name!r}")
    try:
        return getattr(import_module(_HOMES[name]), name)
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        if library not in _EXTRA:
            raise
        raise MissingExtraError(
            f"comparing needs {_NAMES.get(library, library)}: pip install 'samplegen[compare]'."
        ) from error
