"""Real data: price lists from outside and the pictures that they name; datasets served; templates learned."""
