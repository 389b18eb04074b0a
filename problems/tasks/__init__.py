"""Tasks on data: what bilevel methods are used for, each with rows that no method sees.

``penalties`` selects the penalties of a regression, ``cleaning`` the weights of training images, ``attack`` the
penalties under which a classifier is fooled (``_classifier``). ``_data`` has the rows, ``_softmax`` and ``_logistic``
the losses, ``_penalised`` what problems with exponential penalties share, and ``_implicit`` all closed forms: the lower
level is solved by Newton's method. None has a certified minimum; ``zoba-bench run --suite tasks`` computes a reference.
"""
