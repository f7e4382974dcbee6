"""The one collection of tables that everything in the database belongs to."""

from sqlalchemy import MetaData

metadata = MetaData()
