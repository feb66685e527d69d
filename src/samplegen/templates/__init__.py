"""Template packs: what a brand sells, in which words, at which prices and in which colours, as data."""

from samplegen.templates.loader import DEFAULT_TEMPLATE, find_templates, load_template
from samplegen.templates.template import Template

__all__ = ["DEFAULT_TEMPLATE", "Template", "find_templates", "load_template"]
