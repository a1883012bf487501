"""The schema's history. Every version of the program can bring any older database up to its own schema."""
