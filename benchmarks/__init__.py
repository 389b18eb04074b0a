"""The asv suite; every track_ metric is better when lower."""
