"""The errors that samplegen raises on purpose: one base, and a subclass for each kind of request that failed.

Each message says where, what was found, what is allowed and what to do.
"""


class SamplegenError(Exception):
    """Base of every error that a user can cause."""


class TemplateError(SamplegenError):
    """A template pack is missing, unsafe or wrong."""


class SamplingError(SamplegenError):
    """A request that the sampler cannot meet: rows, seed, splits."""


class RenderingError(SamplegenError):
    """A scene that the renderer cannot draw."""


class RecipeError(SamplegenError):
    """A setting of a run that is out of range."""


class EngineError(SamplegenError):
    """A worker that ended before its work."""


class ExportError(SamplegenError):
    """An output folder, format or file that cannot be written or read."""


class FidelityError(SamplegenError):
    """Datasets that cannot be compared: unreadable, nothing in common, an unknown measure."""


class CollectError(SamplegenError):
    """A price list that cannot be collected from, or a dataset that cannot be served."""


class FitError(SamplegenError):
    """A table that no template can be learned from, or settings that do not fit it."""


class MissingExtraError(SamplegenError):
    """A library that samplegen does not need itself, but this call does; an extra installs it."""
