"""Certificates of problems: proofs in symbols, comparisons and measurements in numbers."""
