"""Plain values that every layer shares: products, price-list rows, scenes and shapes."""
