"""Permits as CSV, one row per line item: the columns, the reader, the writer and the template."""
