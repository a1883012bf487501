"""Loaders of reference data, one module for each kind of list; ``loaders`` names them all."""
