"""Real data: from a price list with URLs to a dataset, and from a table to a template pack."""
