"""SABA: the single loop on finite sums, whose directions are corrected by a memory of every sample.

``memory`` is about the memory: variance of a corrected direction, and the mean squared distance S to the points that
the samples were last seen at. ``merit`` joins S to the Lyapunov function of the single loop, and has steps that meet
its conditions; ``linear`` adds the Polyak-Lojasiewicz inequality. ``theorem`` is the bound of a run, ``saba`` puts all
of it together.
"""
