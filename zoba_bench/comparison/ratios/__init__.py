"""MEHA against methods that fit, on kinds of problems that its paper reports: ratios until an accuracy, in one run.

``settings`` declares the contests, who runs in them and with which grids; ``runs`` is the cell: one setting from
several starts until the accuracy is reached; ``campaign`` tunes from some starts, measures from others, and divides.
"""
