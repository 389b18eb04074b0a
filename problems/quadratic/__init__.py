"""Both levels quadratic, or nearly: every closed form is a map in closed form."""
