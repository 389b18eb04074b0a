"""What several protocols use. Read it in this order:

- ``plan``: what a protocol hands over, the cells of a claim with the work in them;
- ``named``: problems, solvers and theorems by the names that a claim gives;
- ``closed_forms``: what a problem declares, held against itself before anything is predicted from it;
- ``runs``: the tasks that run in these cells, and how a run begins;
- ``mean_iteration``: the noise-free iteration, whose transient some predictions contain;
- ``closures``: predictions of the very runs, to second order in the noise, each derived once;
- ``lines``: from means along a line of sizes to the measurement of a claim.

No file here knows a protocol, and none runs a suite.
"""
