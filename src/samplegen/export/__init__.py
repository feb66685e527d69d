"""Rows to files: one module for each format, and the manifest, card and Croissant that describe them."""
