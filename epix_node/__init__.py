"""EPIX node: publish, exchange, verify and reconcile CITES permits between the authorities of sovereign Parties."""

__version__ = "0.1.0"
