"""Permits as toolkit XML: the tolerant reader, the writer, and the extension for what the toolkit cannot hold."""
