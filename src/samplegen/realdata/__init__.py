"""Real data: price lists from outside, the pictures that they name, and datasets served on loopback."""
