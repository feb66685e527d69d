"""Learns a template pack from a real table: reads, takes titles apart, counts, protects, writes."""

from samplegen.realdata.fitting.fit import FitOptions, FitReport, fit_template

__all__ = ["FitOptions", "FitReport", "fit_template"]
