"""A listening test in one SQLite file: the study, its listeners, their trials and answers.

Stores nothing about a person: a listener is a random token. Each answer is a transaction, on disk before the next page, so
the server can be stopped at any time.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..errors import EvaluationError
from .answers import Answer, Page, Turn, UnknownTokenError, check_played, check_values
from .design import Design, Trial, cells_of, plan
from .material import Sound

__all__ = ["Store", "create_store", "open_store"]

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


def create_store(path: Path, design: Design, sounds: list[Sound]) -> Store:
    """Create the file of a new study, whose design was checked against the sounds.

    Raises:
        EvaluationError: the file exists or cannot be created.
    """
    if path.exists():
        raise EvaluationError(f"{path} exists", "a new file", "Choose another name.")
    connection = _connect(path)
    with connection:
        connection.executescript(f"BEGIN; {SCHEMA}")
        study = {"version": VERSION, "created": _now(), **asdict(design)}
        connection.execute(
            "INSERT INTO study VALUES (:version, :created, :mode, :rounds, :artworks, :seed, :matched)", study
        )
        row = "INSERT INTO sound (system, artwork, take, sha256, seconds, gain) VALUES (?, ?, ?, ?, ?, ?)"
        connection.executemany(row, sounds)
    return Store(connection)


def open_store(path: Path) -> Store:
    """Open the file of an existing study.

    Raises:
        EvaluationError: the file is missing or not a listening test of this version.
    """
    if not path.is_file():
        raise EvaluationError(f"{path} does not exist", "the answers of a listening test", "Check the path.")
    try:
        connection = _connect(path)
        found = connection.execute("SELECT version FROM study").fetchone()["version"]
        if found != VERSION:
            raise sqlite3.DatabaseError(f"version {found}")
    except (sqlite3.DatabaseError, TypeError) as error:
        raise EvaluationError(
            f"{path} is not a listening test of this version ({error})",
            "the answers of `art2mus listen`",
            "Choose another file.",
        ) from error
    return Store(connection)


def _connect(path: Path) -> sqlite3.Connection:
    """Open or create a database whose commits are on disk when they return.

    Raises:
        EvaluationError: the file cannot be read and written.
        sqlite3.DatabaseError: another kind of file.
    """
    try:
        connection = sqlite3.connect(path, isolation_level=None)
        connection.row_factory = sqlite3.Row
        for setting in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "busy_timeout = 5000"):
            connection.execute(f"PRAGMA {setting}")
    except sqlite3.OperationalError as error:
        raise EvaluationError(f"{path} cannot be opened ({error})", "a writable file", "Choose another.") from error
    return connection


class Store:
    """An open study. Close it after use."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        study = connection.execute("SELECT * FROM study").fetchone()
        settings = {field.name: study[field.name] for field in fields(Design)}
        self.design = Design(**settings | {"matched": bool(study["matched"])})
        rows = connection.execute("SELECT * FROM sound ORDER BY id").fetchall()
        self.sounds = {row["id"]: Sound(*(row[name] for name in Sound._fields)) for row in rows}
        self.systems = sorted({sound.system for sound in self.sounds.values()})
        self.artworks = sorted({sound.artwork for sound in self.sounds.values()})

    def close(self) -> None:
        self._connection.close()

    def begin(self) -> str:
        """Add a listener with all their trials and return their token."""
        token = secrets.token_urlsafe(16)
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            added = self._connection.execute("INSERT INTO listener (token, begun) VALUES (?, ?)", (token, _now()))
            listener = int(added.lastrowid or 0)
            rows = self._connection.execute("SELECT part, kind, artwork, first, second FROM trial").fetchall()
            earlier = [Trial(row["part"], row["kind"], row["artwork"], self._systems(row)) for row in rows]
            given = cells_of(earlier)
            trials = plan(self.design, self.systems, self.artworks, listener=listener, given=given)
            columns = "listener, position, token, part, kind, wanted, artwork, first, second"
            self._connection.executemany(
                f"INSERT INTO trial ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608  constant names
                [self._row(listener, position, trial) for position, trial in enumerate(trials)],
            )
        return token

    def turn(self, listener: str) -> Turn:
        """Return the listener's progress and first unanswered page.

        Raises:
            UnknownTokenError: unknown listener.
        """
        rows = self._trials("listener.token = ?", listener)
        left = [row for row in rows if row["answered"] is None]
        pages = [Page(row["token"], row["part"], len(_sounds(row)), row["wanted"]) for row in left[:1]]
        return Turn(len(rows) - len(left), len(rows), pages[0] if pages else None)

    def answer(self, listener: str, trial: str, values: Mapping[str, Any], played: list[Any]) -> None:
        """Store a listener's answers to one trial, unless it is answered already.

        Args:
            listener: token of the listener.
            trial: token of the page.
            values: an answer to each question of the part.
            played: played share of each sound.

        Raises:
            UnknownTokenError: this listener has no such trial.
            EvaluationError: a missing or unknown question, a value off its scale, or too little played.
        """
        (row,) = self._trials("listener.token = ? AND trial.token = ?", listener, trial)
        check_values(row["part"], values)
        check_played(played, len(_sounds(row)))
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            changed = self._connection.execute(
                "UPDATE trial SET answered = ? WHERE id = ? AND answered IS NULL", (_now(), row["id"])
            )
            if changed.rowcount:
                self._connection.executemany(
                    "INSERT INTO answer VALUES (?, ?, ?)", [(row["id"], key, value) for key, value in values.items()]
                )

    def media_of(self, trial: str) -> tuple[str, tuple[Sound, ...]]:
        """Return the artwork of a trial, and its sounds in their order on the page.

        Raises:
            UnknownTokenError: unknown trial.
        """
        (row,) = self._trials("trial.token = ?", trial)
        return row["artwork"], tuple(self.sounds[key] for key in _sounds(row))

    def listeners(self) -> dict[int, bool]:
        """Return for each listener, by number, whether all trials are answered."""
        rows = self._connection.execute(
            "SELECT listener, COUNT(*) = COUNT(answered) AS whole FROM trial GROUP BY listener ORDER BY listener"
        )
        return {row["listener"]: bool(row["whole"]) for row in rows}

    def answers(self) -> list[Answer]:
        """Return all answers by listener, in the order of their trials."""
        rows = self._connection.execute(
            "SELECT * FROM answer JOIN trial ON trial.id = answer.trial ORDER BY listener, position, question"
        )
        return [self._answer(row) for row in rows]

    def _answer(self, row: sqlite3.Row) -> Answer:
        given = _sounds(row), self._systems(row), row["question"], row["value"]
        return Answer(row["listener"], row["part"], row["kind"], row["wanted"], row["artwork"], *given)

    def _trials(self, where: str, *tokens: str) -> list[sqlite3.Row]:
        """Return the trials that match a condition on tokens, in order.

        Raises:
            UnknownTokenError: there is none.
        """
        query = "SELECT trial.* FROM trial JOIN listener ON listener.id = trial.listener WHERE "
        rows = self._connection.execute(f"{query}{where} ORDER BY position", tokens).fetchall()
        if not rows:
            raise UnknownTokenError
        return rows

    def _systems(self, row: sqlite3.Row) -> tuple[str, ...]:
        return tuple(self.sounds[key].system for key in _sounds(row))

    def _row(self, listener: int, position: int, trial: Trial) -> tuple[Any, ...]:
        """Return a trial as a row of the table; with several takes, listeners get them in turn."""
        keys = [
            [key for key, sound in self.sounds.items() if (sound.system, sound.artwork) == (system, trial.artwork)]
            for system in trial.systems
        ]
        first, *second = [takes[listener % len(takes)] for takes in keys]
        token = secrets.token_urlsafe(16)
        shown = trial.part, trial.kind, trial.wanted, trial.artwork
        return listener, position, token, *shown, first, *(second or [None])


def _sounds(row: sqlite3.Row) -> tuple[int, ...]:
    """Return the numbers of a trial's sounds in their order on the page."""
    return tuple(key for key in (row["first"], row["second"]) if key is not None)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
