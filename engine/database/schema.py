"""Which tables there are, and which version of them a database has."""

from sqlalchemy import Column, Connection, PrimaryKeyConstraint, String, Table, column, inspect, select, table

from engine.cluster import tables as cluster_tables
from engine.database.metadata import metadata
from engine.duty import tables as duty_tables
from engine.store.sqlite import StoreError

HEAD = "0003"
"""The version of the tables that this code works on: the last of engine/database/migrations/versions."""

EMPTY = ""
MODULES = (duty_tables, cluster_tables)
"""Where the tables are declared; they enter `metadata` when they are imported."""

version = Table(
    "alembic_version",
    metadata,
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)


def found_version(connection: Connection, place: str) -> str:
    """The version of a database, EMPTY where it has no tables; StoreError where it has only those of others."""
    names = set(inspect(connection).get_table_names())
    if version.name in names:
        found = connection.execute(select(version.c.version_num)).scalar()
        if found is not None:
            return str(found)
    elif not names:
        return EMPTY
    elif {"meta", "alert", "outbox"} <= names:
        return _first_version(connection, place)
    raise StoreError(f"{place}: not a database of Outfall: it has tables of something else")


def refuse_other(found: str, place: str) -> None:
    """StoreError for any version but this code's own."""
    refuse_newer(found, place)
    if found != HEAD:
        expected = f"expected {HEAD}: bring it up to date with: outfall database upgrade"
        raise StoreError(f"{place}: made by an older version of Outfall: schema {found or 'none'}, {expected}")


def refuse_newer(found: str, place: str) -> None:
    """StoreError for a version that this code does not know."""
    if found > HEAD:
        raise StoreError(f"{place}: made by a newer version of Outfall: schema {found}, expected {HEAD} or older")


def settle(connection: Connection, place: str) -> None:
    """Make the tables, or bring them up to date with what is in them; nothing to do where they are. Under Lock.SCHEMA."""
    found = found_version(connection, place)
    refuse_newer(found, place)
    if found == HEAD:
        return
    if found == EMPTY and connection.dialect.name == "sqlite":  # the same tables (a test says so), and ten times as fast
        metadata.create_all(connection)
        connection.execute(version.insert().values(version_num=HEAD))
        return
    from engine.database.upgrade import upgrade  # Alembic is slow to import, and seldom needed

    upgrade(connection, found)


def _first_version(connection: Connection, place: str) -> str:
    """Databases of the first schema said it in a table of their own."""
    meta = table("meta", column("name"), column("value"))
    found = connection.execute(select(meta.c.value).where(meta.c.name == "schema_version")).scalar()
    if found != "1":
        raise StoreError(f"{place}: made by another version of Outfall: schema {found}, expected {HEAD} or older")
    return "0001"
