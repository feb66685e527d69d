"""The errors that samplegen raises on purpose: one base, one subclass per layer.

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


class ExportError(SamplegenError):
    """An output folder, format or file that cannot be written or read."""


class FidelityError(SamplegenError):
    """Datasets that cannot be compared: unreadable, nothing in common, an unknown measure."""


class CollectError(SamplegenError):
    """A price list that cannot be collected from, or a dataset that cannot be served."""


class FitError(SamplegenError):
    """A table that no template can be learned from, or settings that do not fit it."""
