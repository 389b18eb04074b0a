"""Many iterations of a single loop in compiled code, where Python's calls take most of an iteration (extra ``fast``).

Read ``ahead``, which says where that can be done and runs iterations ahead of the driver, then ``loop``, which is what
numba compiles, and ``surrogates``, the estimates of each solver in it. ``jit`` is how they are compiled. Only ``ahead``
is imported without numba.

Random numbers, budget, records and statuses are those of the driver: the loop takes the generator's own numbers, drawn
in blocks, and stops before an iteration after which anything but going on is to be done; the driver then does that one.
"""
