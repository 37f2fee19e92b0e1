"""What opening a store promises: this version's schema, whatever was there, or a refusal that says why."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from pydantic import SecretStr

from nevus.store import (
    StoreSettings,
    fix_test_groups,
    known_test_images,
    list_test_openings,
    open_store,
    record_test_opening,
    schema,
    verify,
)
from nevus.store.columns import UtcDateTime
from nevus.store.engine import connect
from nevus.store.failures import StoreError
from nevus.store.samples import list_batches
from nevus.store.schema import HEAD, VERSION_TABLE, ForeignDatabaseError, SchemaTooNewError
from nevus.store.serving_tables import SampleBatchRow
from nevus.store.tables import Base, OpeningRow


@pytest.fixture
def bare(store, store_url):
    """The engine alone, of a store that has been made."""
    engine = connect(store.url)
    yield engine
    engine.dispose()


def reopen(store_url):
    open_store(StoreSettings(url=SecretStr(store_url))).close()


def test_the_migrations_make_what_the_code_expects(store):
    with store.read() as session:
        options = {"version_table": VERSION_TABLE, "compare_type": True}
        context = MigrationContext.configure(session.connection(), opts=options)
        assert compare_metadata(context, Base.metadata) == []
        assert context.get_current_revision() == HEAD


def test_head_names_the_last_migration():
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    from nevus.store.schema import MIGRATIONS

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


LATER = f"{int(HEAD) + 1:04d}"
_NEXT = """
import sqlalchemy as sa
from alembic import op
revision, down_revision, branch_labels, depends_on = "{new}", "{old}", None, None
def upgrade():
    with op.batch_alter_table("test_openings") as table:
        table.add_column(sa.Column("reason", sa.String(), server_default="release", nullable=False))
    {then}
"""


@pytest.fixture
def later_nevus(tmp_path, monkeypatch):
    """A function that makes this nevus a later one, with one more migration."""

    def become(then="pass"):
        migrations = tmp_path / "migrations"
        shutil.copytree(schema.MIGRATIONS, migrations, ignore=shutil.ignore_patterns("__pycache__"))
        (migrations / "versions" / f"r{LATER}_reason.py").write_text(_NEXT.format(new=LATER, old=HEAD, then=then))
        monkeypatch.setattr(schema, "MIGRATIONS", migrations)
        monkeypatch.setattr(schema, "HEAD", LATER)

    return become


def test_an_older_store_is_migrated_with_all_it_holds_and_an_older_nevus_then_refuses_it(
    store, bare, store_url, later_nevus, monkeypatch
):
    record_test_opening(store, {"i"}, split_fingerprint="s", bundle_digest="b", run="r")
    later_nevus()
    reopen(store_url)
    with bare.connect() as connection:
        assert connection.execute(sa.text("SELECT run, reason FROM test_openings")).all() == [("r", "release")]
    monkeypatch.undo()
    with pytest.raises(SchemaTooNewError, match=rf"schema {LATER}.*up to {HEAD}.*Upgrade nevus"):
        reopen(store_url)


def test_a_store_whose_test_images_were_fixed_by_name_keeps_its_audit_and_its_openings(store_url, monkeypatch):
    with monkeypatch.context() as earlier:
        earlier.setattr(schema, "HEAD", "0001")
        earlier.setattr("alembic.command.upgrade", lambda config, _, to=command.upgrade: to(config, "0001"))
        old = open_store(StoreSettings(url=SecretStr(store_url)))
    with old.write() as session:
        at = datetime(2026, 11, 1, tzinfo=UTC)
        session.add(OpeningRow(split_fingerprint="s", bundle_digest="b", run="r", actor="a", opened_at=at))
        session.execute(
            sa.text("INSERT INTO fixed_test_images VALUES ('clinic', 'mel/1.jpg', 'g', 's', '2026-11-01 00:00:00')")
        )
    old.close()
    with open_store(StoreSettings(url=SecretStr(store_url))) as store:
        assert known_test_images(store) == set()
        assert [opening.run for opening in list_test_openings(store, "s")] == ["r"]
        assert fix_test_groups(store, {"f" * 64: "g"}, split_fingerprint="s") == 1
        assert verify(store).intact


def test_names_and_keys_of_samples_that_an_earlier_nevus_rejected_are_forgotten_and_their_reasons_counted(
    store_url, monkeypatch
):
    with monkeypatch.context() as earlier:
        earlier.setattr(schema, "HEAD", "0005")
        earlier.setattr("alembic.command.upgrade", lambda config, _, to=command.upgrade: to(config, "0005"))
        old = open_store(StoreSettings(url=SecretStr(store_url)))
    told = [{"name": f"Mueller-{n}.jpg", "reason": reason, "message": "LESION-77"} for n, reason in enumerate("aab")]
    with old.write() as session:
        row = {"batch_id": "b", "created_at": datetime(2026, 11, 1, tzinfo=UTC), "uploaded_by": "x", "accepted": 0}
        session.execute(sa.insert(SampleBatchRow), [row | {"rejected": told}])
    old.close()
    with open_store(StoreSettings(url=SecretStr(store_url))) as store:
        assert [batch.rejected for batch in list_batches(store)] == [{"a": 2, "b": 1}]


def test_a_migration_that_fails_halfway_leaves_the_older_store_as_it_was(store, bare, store_url, later_nevus):
    record_test_opening(store, {"i"}, split_fingerprint="s", bundle_digest="b", run="r")
    later_nevus(then='op.execute("SELECT no_such_function()")')
    with pytest.raises(StoreError, match="no_such_function"):
        reopen(store_url)
    assert {column["name"] for column in sa.inspect(bare).get_columns("test_openings")} == {
        "id",
        "split_fingerprint",
        "bundle_digest",
        "run",
        "actor",
        "opened_at",
    }
    with bare.connect() as connection:
        assert connection.execute(sa.text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar() == HEAD


def test_somebody_elses_database_is_left_alone(store_url):
    url = open_store(StoreSettings(url=SecretStr(store_url))).url
    engine = connect(url)
    with engine.begin() as connection:
        Base.metadata.drop_all(connection)
        if connection.dialect.name == "postgresql":
            connection.execute(sa.text("DROP FUNCTION nevus_audit_is_append_only"))
        connection.execute(sa.text(f"DROP TABLE {VERSION_TABLE}"))
        connection.execute(sa.text("CREATE TABLE experiments (id INTEGER)"))
    with pytest.raises(ForeignDatabaseError, match=r"\(experiments\).*its own"):
        reopen(store_url)
    assert sa.inspect(engine).get_table_names() == ["experiments"]
    engine.dispose()


def test_times_keep_their_moment_and_come_back_in_utc(bare):
    table = sa.Table("moments", sa.MetaData(), sa.Column("at", UtcDateTime()))
    rome = datetime(2026, 7, 1, 9, 30, 0, 123456, tzinfo=timezone(timedelta(hours=2)))
    with bare.begin() as connection:
        table.create(connection)
        connection.execute(table.insert(), [{"at": rome}, {"at": None}])
        back = list(connection.execute(sa.select(table.c.at)).scalars())
    assert back == [rome, None]
    assert back[0].tzinfo is UTC
    with pytest.raises(sa.exc.StatementError, match="no time zone"), bare.begin() as connection:
        connection.execute(table.insert(), {"at": datetime(2026, 7, 1)})


def test_a_reader_sees_one_moment_while_others_write(store):
    count = sa.select(sa.func.count()).select_from(OpeningRow)
    with store.read() as session:
        assert session.scalar(count) == 0
        record_test_opening(store, {"i"}, split_fingerprint="s", bundle_digest="b", run="r")
        assert session.scalar(count) == 0
    with store.read() as session:
        assert session.scalar(count) == 1
