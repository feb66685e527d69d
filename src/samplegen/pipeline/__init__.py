"""Joins the layers: rows on demand (`make`) and datasets on disk (`write_dataset`)."""

from samplegen.pipeline.making import Recipe
from samplegen.pipeline.samples import SampleSet, make
from samplegen.pipeline.writing import write_dataset

__all__ = ["Recipe", "SampleSet", "make", "write_dataset"]
