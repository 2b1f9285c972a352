"""Benchmarks and fault runs: figures and ratios, never assertions on the clock."""
