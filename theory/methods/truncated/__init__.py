"""FOM and UFOM: gradients through a truncated inner loop."""
