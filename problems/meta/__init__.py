"""Distributions of tasks with an inner loop each."""
