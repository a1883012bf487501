"""The own signed role and the verified trust list; pinned manifests go, and with them whoever was pinned by hand."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "trust",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("own", sa.LargeBinary(), nullable=True),
        sa.Column("trust_list", sa.LargeBinary(), nullable=True),
        sa.Column("problem", sa.String(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    # Cursors stay: whoever is admitted to the trust list is pulled from where it was left.
    with op.batch_alter_table("peer") as peer:
        peer.drop_column("manifest")
        peer.drop_column("revision")
        peer.add_column(sa.Column("clock_ahead_micros", sa.BigInteger(), nullable=True))
