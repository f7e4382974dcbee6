"""Bring a database up to the tables of this version, with what is in it. Alembic's revisions, without its command line."""

import logging
from pathlib import Path

from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection, text

from engine.database import migrations

logger = logging.getLogger(__name__)


def revisions() -> ScriptDirectory:
    """All revisions, as they come with the package."""
    folder = Path(migrations.__file__).parent
    return ScriptDirectory(str(folder), version_locations=[str(folder / "versions")])


def upgrade(connection: Connection, found: str) -> None:
    """Run every revision after `found` ("": all of them), in the transaction of the connection: all of it or nothing."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL statement_timeout = 0"))
    scripts = revisions()
    context = MigrationContext.configure(connection, opts={"transactional_ddl": True})
    if found:
        context.stamp(scripts, found)
    with Operations.context(context):
        for script in _after(scripts, found):
            script.module.upgrade()
            context.stamp(scripts, script.revision)
            logger.warning("the database is at schema %s now: %s", script.revision, script.doc)


def _after(scripts: ScriptDirectory, found: str) -> list[Script]:
    return list(scripts.walk_revisions(base=found or "base", head="heads"))[::-1][1 if found else 0 :]
