"""A quadratic inner objective, and an outer one that is quadratic or nearly so."""
