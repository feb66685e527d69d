"""Sphinx configuration: MyST pages, furo, and the public names from their docstrings."""

from importlib.metadata import version as installed_version

project = "samplegen"
author = "The samplegen contributors"
copyright = f"2026, {author}"
version = release = installed_version("samplegen")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build", "extra"]
html_extra_path = ["extra"]  # whole pages, copied as they are
html_theme = "furo"
html_title = "samplegen"

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_default_options = {"members": True}
napoleon_google_docstring = True
napoleon_numpy_docstring = False
