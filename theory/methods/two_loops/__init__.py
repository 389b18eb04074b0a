"""Zeroth-order methods with two loops: ZMDSBA, the penalty method, PZOBO and HOZOG."""
