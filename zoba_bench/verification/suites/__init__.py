"""The suites: which claims are measured together.

Lists of this project's claims, in order of the time that they take: ``quick`` (with "smoke"), ``bounds``,
``calibration``, ``standard`` (with "full"). Then suites that are made when asked for: ``own_problem`` (the claims that
a user's problem admits), ``own_solver`` (those about a user's solver: what it declares, how it behaves, what it
reaches) and ``toml_file`` (claims that a user writes in a file).
"""
