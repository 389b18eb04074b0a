"""What is run: classes of problems, each a name, sizes and a way to draw one problem from a seed."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from .problems import Instance, at_the_solution, kinks, noisy, offset, rounded, scaled, smooth

__all__ = ["CLASSES", "QUICK", "Class"]

Change = Callable[[Instance, np.random.Generator], Instance]


@dataclass(frozen=True)
class Class:
    """Problems of one kind.

    Attributes
    ----------
    name : str
    group : "size", "condition", "units", "start", "kinks", "noise", "digits" or "offset"
    p, d : int
    draw : callable(rng) -> Instance
    change : callable(instance, rng) -> Instance; the second Generator gives the errors of the values
    most : int, problems that are run at most, since large ones take long
    """

    name: str
    group: str
    p: int
    d: int
    draw: Callable[[np.random.Generator], Instance]
    change: Change | None = None
    most: int = 1000

    def seeds(self, seed: int, index: int) -> list[np.random.SeedSequence]:
        """Of the problem, of its values' errors, and of a method that draws."""
        return np.random.SeedSequence([seed, zlib.crc32(self.name.encode()), index]).spawn(3)

    def problem(self, seed: int, index: int) -> Instance:
        """The same for each method, the errors of the values included."""
        problem, errors, _ = (np.random.default_rng(s) for s in self.seeds(seed, index))
        instance = self.draw(problem)
        return self.change(instance, errors) if self.change else instance


_SIZES = ((2, 2), (3, 1), (5, 5), (20, 20), (50, 10), (10, 50), (100, 100), (200, 5))


def _smooth(quadratic: bool, p: int, d: int, **options: tuple[float, float]) -> Callable[..., Instance]:
    return lambda rng: smooth(rng, p, d, quadratic=quadratic, **options)


def _listed() -> Iterator[Class]:
    kinds = {"quadratic": True, "nonquadratic": False}
    for p, d in _SIZES:
        for kind, quadratic in kinds.items():
            yield Class(f"{kind} {p},{d}", "size", p, d, _smooth(quadratic, p, d), most=2 if p >= 100 else 1000)
    for p, kind in ((5, "quadratic"), (5, "nonquadratic"), (20, "quadratic")):
        ill = _smooth(kinds[kind], p, p, spectrum=(1e-2, 1e2))
        yield Class(f"{kind} {p},{p}, condition 1e4", "condition", p, p, ill)
    for kind, quadratic in kinds.items():
        draw = _smooth(quadratic, 5, 5)

        def of_five(
            what: str, group: str, change: Change, kind: str = kind, draw: Callable[..., Instance] = draw
        ) -> Class:
            return Class(f"{kind} 5,5, {what}", group, 5, 5, draw, change)

        for unit in (1e-6, 1e-3, 1e3, 1e6):
            yield of_five(f"z times {unit:.0e}", "units", lambda i, _, unit=unit: scaled(i, z=unit))
            yield of_five(f"x times {unit:.0e}", "units", lambda i, _, unit=unit: scaled(i, x=unit))
        yield of_five("start at the solution", "start", lambda i, _: at_the_solution(i))
        for size in (1e-6, 1e-3):
            for level, chosen in (("F", ("outer",)), ("G", ("inner",)), ("F and G", ("outer", "inner"))):
                errors = dict.fromkeys(chosen, size)
                yield of_five(
                    f"noise {size:.0e} in {level}", "noise", lambda i, rng, errors=errors: noisy(i, rng, **errors)
                )  # fmt: skip
        yield of_five("6 digits", "digits", lambda i, _: rounded(i, 6))
        for level, chosen in (("F", ("outer",)), ("G", ("inner",))):
            constants = dict.fromkeys(chosen, 1e9)
            yield of_five(
                f"{level} + 1e9", "offset", lambda i, _, constants=constants: offset(i, **constants)
            )  # fmt: skip
    for what, where in (
        ("kink of F at x*", "outer"), ("kinks of F passed", "passed"), ("curvature of G jumps", "inner"),
        ("kinks of F in all", "all"),
    ):  # fmt: skip
        yield Class(f"5,5, {what}", "kinks", 5, 5, lambda rng, where=where: kinks(rng, 5, 5, where=where))


CLASSES = {c.name: c for c in _listed()}

#: A look at each group in less than a minute.
QUICK = (
    "quadratic 2,2", "nonquadratic 3,1", "quadratic 5,5", "nonquadratic 5,5", "quadratic 5,5, condition 1e4",
    "quadratic 5,5, x times 1e+03", "quadratic 5,5, start at the solution", "nonquadratic 5,5, noise 1e-06 in F",
    "quadratic 5,5, 6 digits", "quadratic 5,5, F + 1e9", "5,5, kinks of F passed",
)  # fmt: skip
