"""What the rules said of each permit when it was recorded; permits of before have none."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "permit_check",
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("document", sa.String(), nullable=False),
        sa.Column("ruleset", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("checked_at", sa.BigInteger(), nullable=False),
        sa.Column("editions", sa.String(), nullable=False),
        sa.Column("findings", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("issuer", "type", "number", "year"),
    )
