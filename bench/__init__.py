"""Measured figures, as ratios within one run; `python -m bench`, docs/benchmarks.md."""
