"""MEHA: the Moreau envelope of the lower level."""
