"""From a template and a seed to decided rows: every row can be drawn alone, and is the same however it is drawn."""

from samplegen.sampling.sampler import Draw, Sampler

__all__ = ["Draw", "Sampler"]
