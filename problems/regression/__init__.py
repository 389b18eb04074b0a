"""Penalties, weights of rows and choices of rows in regression."""
