"""A lower level with more than one solution."""
