"""Measurements, as ratios beside what they compare against in the same run: `python -m benchmarks [NAME ...]`.

Nothing here is an assertion: times depend on the computer. A ratio over its goal is marked.
"""
