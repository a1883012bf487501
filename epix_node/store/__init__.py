"""What this node remembers: one SQLite file, many readers, one writer. The only home of sqlmodel and alembic."""
