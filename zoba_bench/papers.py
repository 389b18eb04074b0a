"""The papers that solvers, problems and theorems come from: arXiv id -> what a bibliography says of it."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["PAPERS", "Paper", "bibtex", "papers_named"]

_ID = re.compile(r"\b(\d{4}\.\d{4,5}|math/\d{7})\b")
_SOFTWARE = """\
@software{zoba_bench,
  title = {zoba-bench: verified benchmarks and theory checks for zeroth-order bilevel optimisation},
  author = {{The zoba-bench developers}},
  version = {VERSION}
}"""


@dataclass(frozen=True)
class Paper:
    """A paper on arXiv.

    Attributes
    ----------
    arxiv : str
        Its id.
    title : str
    authors : tuple of str
        "Given Family", in the paper's order.
    year : int
        Of its first version.
    """

    arxiv: str
    title: str
    authors: tuple[str, ...]
    year: int

    @property
    def key(self) -> str:
        """Of the BibTeX entry: first author's family name, year, first long word of the title."""
        word = next(word for word in re.findall(r"[A-Za-z]+", self.title) if len(word) > 3)
        return f"{_plain(self.authors[0].split()[-1]).lower()}{self.year}{word.lower()}"

    def bibtex(self) -> str:
        """The BibTeX entry."""
        return (
            f"@misc{{{self.key},\n"
            f"  title = {{{{{self.title}}}}},\n"
            f"  author = {{{' and '.join(map(_escaped, self.authors))}}},\n"
            f"  year = {{{self.year}}},\n"
            f"  eprint = {{{self.arxiv}}},\n"
            "  archivePrefix = {arXiv}\n"
            "}"
        )


_ALL = (
    Paper("2601.21836", "ZOBA: An Efficient Single-loop Zeroth-order Bilevel Optimization Algorithm",
          ("Marco Rando", "Samuel Vaiter"), 2026),
    Paper("1802.02246", "Approximation Methods for Bilevel Programming", ("Saeed Ghadimi", "Mengdi Wang"), 2018),
    Paper("2010.07962", "Bilevel Optimization: Convergence Analysis and Enhanced Design",
          ("Kaiyi Ji", "Junjie Yang", "Yingbin Liang"), 2020),
    Paper("2102.09026", "Optimizing Large-Scale Hyperparameters via Automated Learning Algorithm",
          ("Bin Gu", "Guodong Liu", "Yanfu Zhang", "Xiang Geng", "Heng Huang"), 2021),
    Paper("2106.02487", "Debiasing a First-order Heuristic for Approximate Bi-level Optimization",
          ("Valerii Likhosherstov", "Xingyou Song", "Krzysztof Choromanski", "Jared Davis", "Adrian Weller"), 2021),
    Paper("2110.07004", "On the Convergence Theory for Hessian-Free Bilevel Algorithms",
          ("Daouda Sow", "Kaiyi Ji", "Yingbin Liang"), 2021),
    Paper("2201.13409", "A framework for bilevel optimization that enables stochastic and global variance reduction "
          "algorithms", ("Mathieu Dagréou", "Pierre Ablin", "Samuel Vaiter", "Thomas Moreau"), 2022),
    Paper("2205.02215", "FedNest: Federated Bilevel, Minimax, and Compositional Optimization",
          ("Davoud Ataee Tarzanagh", "Mingchen Li", "Christos Thrampoulidis", "Samet Oymak"), 2022),
    Paper("2301.10945", "A Fully First-Order Method for Stochastic Bilevel Optimization",
          ("Jeongyeol Kwon", "Dohyun Kwon", "Stephen Wright", "Robert Nowak"), 2023),
    Paper("2404.00158", "Fully Zeroth-Order Bilevel Programming via Gaussian Smoothing",
          ("Alireza Aghasi", "Saeed Ghadimi"), 2024),
    Paper("2405.09927", "Moreau Envelope for Nonconvex Bi-Level Optimization: A Single-loop and Hessian-free Solution "
          "Strategy", ("Risheng Liu", "Zhu Liu", "Wei Yao", "Shangzhi Zeng", "Jin Zhang"), 2024),
    Paper("2510.03646", "Optimal Zeroth-Order Bilevel Optimization",
          ("Alireza Aghasi", "Jeongyeol Kwon", "Saeed Ghadimi"), 2025),
    Paper("2206.05124", "Stochastic Zeroth order Descent with Structured Directions",
          ("Marco Rando", "Cesare Molinari", "Silvia Villa", "Lorenzo Rosasco"), 2022),
    Paper("2410.07698", "Enhancing Zeroth-order Fine-tuning for Language Models with Low-rank Structures",
          ("Yiming Chen", "Yuan Zhang", "Liyuan Cao", "Kun Yuan", "Zaiwen Wen"), 2024),
    Paper("2501.19099", "Elucidating Subspace Perturbation in Zeroth-Order Optimization: Theory and Practice at Scale",
          ("Sihwan Park", "Jihun Yun", "SungYub Kim", "Souvik Kundu", "Eunho Yang"), 2025),
    Paper("math/0406456", "Least angle regression",
          ("Bradley Efron", "Trevor Hastie", "Iain Johnstone", "Robert Tibshirani"), 2004),
    Paper("1401.1942", "Test problem construction for single-objective bilevel optimization",
          ("Ankur Sinha", "Pekka Malo", "Kalyanmoy Deb"), 2014),
    Paper("1602.02355", "Hyperparameter optimization with approximate gradient", ("Fabian Pedregosa",), 2016),
    Paper("1909.04630", "Meta-Learning with Implicit Gradients",
          ("Aravind Rajeswaran", "Chelsea Finn", "Sham Kakade", "Sergey Levine"), 2019),
    Paper("1909.09157", "Rapid Learning or Feature Reuse? Towards Understanding the Effectiveness of MAML",
          ("Aniruddh Raghu", "Maithra Raghu", "Samy Bengio", "Oriol Vinyals"), 2019),
    Paper("2102.07976", "A General Descent Aggregation Framework for Gradient-based Bi-level Optimization",
          ("Risheng Liu", "Pan Mu", "Xiaoming Yuan", "Shangzhi Zeng", "Jin Zhang"), 2021),
    Paper("2110.04974", "Value-Function-based Sequential Minimization for Bi-level Optimization",
          ("Risheng Liu", "Xuan Liu", "Shangzhi Zeng", "Jin Zhang", "Yixuan Zhang"), 2021),
    Paper("2209.08709", "BOME! Bilevel Optimization Made Easy: A Simple First-Order Approach",
          ("Mao Ye", "Bo Liu", "Stephen Wright", "Peter Stone", "Qiang Liu"), 2022),
    Paper("2111.14580", "Amortized Implicit Differentiation for Stochastic Bilevel Optimization",
          ("Michael Arbel", "Julien Mairal"), 2021),
    Paper("2007.05170", "A Two-Timescale Framework for Bilevel Optimization: Complexity Analysis and Application to "
          "Actor-Critic",
          ("Mingyi Hong", "Hoi-To Wai", "Zhaoran Wang", "Zhuoran Yang"), 2020),
    Paper("2102.07367", "A Near-Optimal Algorithm for Stochastic Bilevel Optimization via Double-Momentum",
          ("Prashant Khanduri", "Siliang Zeng", "Mingyi Hong", "Hoi-To Wai", "Zhaoran Wang", "Zhuoran Yang"), 2021),
    Paper("2106.04692", "Provably Faster Algorithms for Bilevel Optimization",
          ("Junjie Yang", "Kaiyi Ji", "Yingbin Liang"), 2021),
    Paper("2112.04660", "A Fully Single Loop Algorithm for Bilevel Optimization without Hessian Inverse",
          ("Junyi Li", "Bin Gu", "Heng Huang"), 2021),
    Paper("2511.01126", "Stochastic Regret Guarantees for Online Zeroth- and First-Order Bilevel Optimization",
          ("Parvin Nazari", "Bojian Hou", "Davoud Ataee Tarzanagh", "Li Shen", "George Michailidis"), 2025),
    Paper("2302.08766", "A Lower Bound and a Near-Optimal Algorithm for Bilevel Empirical Risk Minimization",
          ("Mathieu Dagréou", "Thomas Moreau", "Samuel Vaiter", "Pierre Ablin"), 2023),
    Paper("2302.03407", "Averaged Method of Multipliers for Bi-Level Optimization without Lower-Level Strong "
          "Convexity",
          ("Risheng Liu", "Yaohua Liu", "Wei Yao", "Shangzhi Zeng", "Jin Zhang"), 2023),
    Paper("2110.00455", "Towards Gradient-based Bilevel Optimization with Non-convex Followers and Beyond",
          ("Risheng Liu", "Yaohua Liu", "Shangzhi Zeng", "Jin Zhang"), 2021),
    Paper("2209.00361", "Versatile Single-Loop Method for Gradient Estimator: First and Second Order Optimality, "
          "and its Application to Federated Learning",
          ("Kazusato Oko", "Shunta Akiyama", "Tomoya Murata", "Taiji Suzuki"), 2022),
    Paper("2008.10898", "PAGE: A Simple and Optimal Probabilistic Gradient Estimator for Nonconvex Optimization",
          ("Zhize Li", "Hongyan Bao", "Xiangliang Zhang", "Peter Richtárik"), 2020),
    Paper("2209.05045", "Gradient-Free Methods for Deterministic and Stochastic Nonsmooth Nonconvex Optimization",
          ("Tianyi Lin", "Zeyu Zheng", "Michael I. Jordan"), 2022),
    Paper("2301.06428", "Faster Gradient-Free Algorithms for Nonsmooth Nonconvex Stochastic Optimization",
          ("Lesi Chen", "Jing Xu", "Luo Luo"), 2023),
    Paper("2305.16024", "An Optimal Structured Zeroth-order Algorithm for Non-smooth Optimization",
          ("Marco Rando", "Cesare Molinari", "Lorenzo Rosasco", "Silvia Villa"), 2023),
)  # fmt: skip

#: By arXiv id; the first is the one that this project is about.
PAPERS: dict[str, Paper] = {paper.arxiv: paper for paper in _ALL}


def papers_named(text: str) -> list[str]:
    """The arXiv ids that a text names, in its order, each once."""
    return list(dict.fromkeys(_ID.findall(text)))


def bibtex(ids: list[str], version: str) -> str:
    """BibTeX entries of this software and of papers; of one that is not known, what its id says."""
    entries = [_SOFTWARE.replace("VERSION", version)]
    for name in ids:
        entries.append(PAPERS[name].bibtex() if name in PAPERS else _unknown(name))
    return "\n\n".join(entries)


def _unknown(name: str) -> str:
    return f"@misc{{arxiv_{name.replace('/', '_')},\n  eprint = {{{name}}},\n  archivePrefix = {{arXiv}}\n}}"


def _escaped(name: str) -> str:
    return name.replace("é", "{\\'e}").replace("á", "{\\'a}")


def _plain(name: str) -> str:
    return name.replace("é", "e")
