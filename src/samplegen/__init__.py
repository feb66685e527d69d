"""Sample data for products: one latent product gives the picture and the matching price-list row."""
