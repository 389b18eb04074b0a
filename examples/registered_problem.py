"""Run three solvers on a registered problem and compare them with the known minimiser."""

import zoba_bench as zb

if __name__ == "__main__":
    problem = zb.load_problem("reference", p=4, d=4)
    for name in ("zoba", "zoba-mixed", "hf-zoba-shared"):
        result = zb.solve(
            problem, name, budget=200_000, replicates=8, schedule="constant", rho=0.2, gamma=0.05, l1=64, l2=64
        )
        print(name, result.nfev[0], "evaluations, |x - x*|:", result.history["distance"][-1].round(4))
