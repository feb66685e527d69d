"""Real and synthetic data compared: scores beside what real data get, a page and the numbers."""

from samplegen.errors import FidelityError

_EXTRA = ("jinja2", "markupsafe", "pandas", "scipy", "sdmetrics", "sklearn", "threadpoolctl")

try:
    from samplegen.fidelity.comparison import STAGES, Comparison, check_names, compare
    from samplegen.fidelity.report import check_target
except ModuleNotFoundError as error:
    if error.name is None or error.name.partition(".")[0] not in _EXTRA:
        raise
    raise FidelityError(f"comparing needs {error.name}: pip install 'samplegen[compare]'.") from error

__all__ = ["STAGES", "Comparison", "check_names", "check_target", "compare"]
