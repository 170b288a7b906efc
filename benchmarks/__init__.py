"""Measurements of searching at scale: a generator, workloads, and what they gave (RESULTS.md)."""
