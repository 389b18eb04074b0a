"""AID-BiO, ITD-BiO and stocBiO: implicit and iterative differentiation."""
