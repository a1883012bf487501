"""Invented trade: a year of permits, borders and frauds, with the truth beside it, the same for the same seed.

For tests, benchmarks and demonstrations. Nothing here knows how frauds are found: the truth is written by whoever
plays the fraud, and nobody else.
"""
