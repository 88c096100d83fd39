"""The tables of a listening test."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from ..errors import EvaluationError

__all__ = ["SCHEMA", "VERSION", "connected"]

VERSION = 1

SCHEMA = """
CREATE TABLE study (
  version INTEGER NOT NULL, created TEXT NOT NULL, mode TEXT NOT NULL, rounds INTEGER NOT NULL, artworks INTEGER NOT NULL,
  seed INTEGER NOT NULL, matched INTEGER NOT NULL);
CREATE TABLE sound (
  id INTEGER PRIMARY KEY, system TEXT NOT NULL, artwork TEXT NOT NULL, take TEXT NOT NULL, sha256 TEXT NOT NULL,
  seconds REAL NOT NULL, gain REAL NOT NULL, UNIQUE (system, artwork, take));
CREATE TABLE listener (id INTEGER PRIMARY KEY, token TEXT NOT NULL UNIQUE, begun TEXT NOT NULL);
CREATE TABLE trial (
  id INTEGER PRIMARY KEY, listener INTEGER NOT NULL REFERENCES listener, position INTEGER NOT NULL,
  token TEXT NOT NULL UNIQUE, part TEXT NOT NULL, kind TEXT NOT NULL, wanted INTEGER, artwork TEXT NOT NULL,
  first INTEGER NOT NULL REFERENCES sound, second INTEGER REFERENCES sound, answered TEXT,
  UNIQUE (listener, position));
CREATE TABLE answer (
  trial INTEGER NOT NULL REFERENCES trial, question TEXT NOT NULL, value INTEGER NOT NULL,
  PRIMARY KEY (trial, question)) WITHOUT ROWID;
"""


def connected(path: Path) -> sqlite3.Connection:
    """The file, made if it is not there; what is committed is on the disk.

    Raises:
        EvaluationError: a place that cannot be read and written.
        sqlite3.DatabaseError: another kind of file.
    """
    try:
        connection = sqlite3.connect(path, isolation_level=None)
        connection.row_factory = sqlite3.Row
        for setting in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "busy_timeout = 5000"):
            connection.execute(f"PRAGMA {setting}")
    except sqlite3.OperationalError as error:
        raise EvaluationError(f"{path} cannot be opened ({error})", "a place to write to", "Choose another.") from error
    return connection
