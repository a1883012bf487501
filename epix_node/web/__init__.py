"""HTTP: the federation API, the national API and the sandbox. The only importer of aiohttp."""
