"""Derivations for algorithms other than the single-loop presets."""
