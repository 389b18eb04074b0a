"""Distributions of tasks with an inner loop each.

``two_task`` is the family, ``_task_proofs`` its symbolic form and the proofs about its loss.
"""
