"""Blind human evaluations."""

import sqlalchemy as sa
from alembic import op

from monitor.store.tables.base import UtcDateTime

revision = "e3764083c9b1"
down_revision = "2431634c7a1d"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "human_studies",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "version_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("sample_size", sa.Integer(), nullable=False),
        sa.Column("n_available", sa.Integer(), nullable=False),
        sa.Column("reviewers", sa.Integer(), nullable=False),
        sa.Column("scale_lowest", sa.Integer(), nullable=False),
        sa.Column("scale_highest", sa.Integer(), nullable=False),
        sa.Column("dimensions", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("opened_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("locked_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("locked_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("results", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("measured_at", UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["locked_by"], ["reviewers.id"], name=op.f("fk_human_studies_locked_by_reviewers")
        ),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["model_versions.id"],
            name=op.f("fk_human_studies_version_id_model_versions"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_human_studies")),
        sa.UniqueConstraint("version_id", name=op.f("uq_human_studies_version_id")),
    )
    op.create_table(
        "study_items",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("study_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("benchmark", sa.String(), nullable=False),
        sa.Column("item_id", sa.String(), nullable=False),
        sa.Column("task_type", sa.String(), nullable=False),
        sa.Column("messages", sa.JSON(none_as_null=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_id"], ["human_studies.id"], name=op.f("fk_study_items_study_id_human_studies")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_study_items")),
        sa.UniqueConstraint("study_id", "benchmark", "item_id", name="uq_study_items_item"),
        sa.UniqueConstraint("study_id", "number", name="uq_study_items_number"),
    )
    op.create_table(
        "study_answers",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("item_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_id"], ["study_items.id"], name=op.f("fk_study_answers_item_id_study_items")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_study_answers")),
    )
    with op.batch_alter_table("study_answers", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_study_answers_item_id"), ["item_id"], unique=False)

    op.create_table(
        "study_sheets",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("item_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "reviewer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("expires_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("draft", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("started_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("submitted_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("skipped_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("declined_reason", sa.String(), nullable=True),
        sa.Column("comment", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_id"], ["study_items.id"], name=op.f("fk_study_sheets_item_id_study_items")
        ),
        sa.ForeignKeyConstraint(
            ["reviewer_id"], ["reviewers.id"], name=op.f("fk_study_sheets_reviewer_id_reviewers")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_study_sheets")),
        sa.UniqueConstraint("item_id", "reviewer_id", name="uq_study_sheets_reviewer"),
    )
    with op.batch_alter_table("study_sheets", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_study_sheets_reviewer_id"), ["reviewer_id"], unique=False
        )

    op.create_table(
        "study_keys",
        sa.Column(
            "answer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("system", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["answer_id"], ["study_answers.id"], name=op.f("fk_study_keys_answer_id_study_answers")
        ),
        sa.PrimaryKeyConstraint("answer_id", "system", name=op.f("pk_study_keys")),
    )
    op.create_table(
        "study_ratings",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "answer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "reviewer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("scores", sa.JSON(none_as_null=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["answer_id"],
            ["study_answers.id"],
            name=op.f("fk_study_ratings_answer_id_study_answers"),
        ),
        sa.ForeignKeyConstraint(
            ["reviewer_id"], ["reviewers.id"], name=op.f("fk_study_ratings_reviewer_id_reviewers")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_study_ratings")),
        sa.UniqueConstraint("answer_id", "reviewer_id", name="uq_study_ratings_answer"),
    )


def downgrade() -> None:
    op.drop_table("study_ratings")
    op.drop_table("study_keys")
    with op.batch_alter_table("study_sheets", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_study_sheets_reviewer_id"))

    op.drop_table("study_sheets")
    with op.batch_alter_table("study_answers", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_study_answers_item_id"))

    op.drop_table("study_answers")
    op.drop_table("study_items")
    op.drop_table("human_studies")
