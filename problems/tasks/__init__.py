"""Tasks on data: what bilevel methods are used for, each with rows that no method sees.

``penalties`` selects the penalties of a regression, ``cleaning`` the weights of training images, ``attack`` the
penalties under which a classifier is fooled (``_classifier``), ``few_shot`` a representation from which tasks learn
with few images (``_heads``). ``_data`` has the rows, ``_softmax`` and ``_logistic`` the losses, ``_penalised`` what
problems with exponential penalties share, and ``_implicit`` their closed forms: the lower level is solved by Newton's
method. That of ``few_shot`` is an inner loop. None has a certified minimum; ``zoba-bench run --suite tasks`` computes a
reference.
"""
