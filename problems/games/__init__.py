"""Leaders and followers in markets.

``cournot`` is the family, ``_cournot_symbols`` its symbolic form.
"""
