"""What the families share: factories, array kernels, scalar functions, symbols, capabilities."""
