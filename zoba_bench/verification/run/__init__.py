"""A run of a suite. Read it in this order:

- ``verify``: chooses the claims, plans and measures them, judges each, pairs it with its controls, stores all of it;
- ``looks``: plans one look at a claim, and joins the looks at growing data;
- ``plans``: keeps what was planned, so that it is derived once;
- ``judgements``: keeps what was judged, so that a repeated run judges nothing again;
- ``sequence``: judges again what is inconclusive, with the error that the decided claims leave;
- ``cost``: what the run will cost, before its first cell starts;
- ``provenance``: the versions, the code and the derivations that its verdicts rest on;
- ``stale``: what no run will find again.
"""
