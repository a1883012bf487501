"""The `epix-node` command: one module per command group. The only importer of typer and rich."""
