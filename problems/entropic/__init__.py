"""A lower level on the probability simplex."""
