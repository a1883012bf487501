"""Other nodes: what crosses the wire, asking for it, and pulling. Async; the only importer of httpx."""
