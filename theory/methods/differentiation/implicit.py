"""AID-BiO, ITD-BiO and stocBiO (arXiv 2010.07962): implicit and iterative differentiation of the inner problem."""

from .aid import aid_bio
from .itd import itd_bio
from .stocbio import stocbio

__all__ = ["aid_bio", "itd_bio", "stocbio"]
