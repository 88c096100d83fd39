"""A listening test in one SQLite file: the study, its listeners, their trials, their answers.

Nothing about a person is stored: a listener is a random token. Each answer is one transaction that is on the disk before
the listener goes on, so that a server may be stopped at any time.
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
from .answers import Answer, Page, Turn, UnknownTokenError, check_heard, check_values
from .design import Design, Trial, cells_of, plan
from .material import Sound, names_of
from .schema import SCHEMA, VERSION, connected

__all__ = ["Store", "create_store", "open_store"]


def create_store(path: Path, design: Design, sounds: list[Sound]) -> Store:
    """A new study; the design was checked against the sounds.

    Raises:
        EvaluationError: there is such a file, or it cannot be made.
    """
    if path.exists():
        raise EvaluationError(f"{path} exists", "a new file", "Open it, or choose another name.")
    connection = connected(path)
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
    """A study that was begun before.

    Raises:
        EvaluationError: no such file, or none of this version's.
    """
    if not path.is_file():
        raise EvaluationError(f"{path} does not exist", "the answers of a listening test", "Check the path.")
    try:
        connection = connected(path)
        found = connection.execute("SELECT version FROM study").fetchone()["version"]
        if found != VERSION:
            raise sqlite3.DatabaseError(f"version {found}")
    except (sqlite3.DatabaseError, TypeError) as error:
        raise EvaluationError(
            f"{path} holds no listening test of this version ({error})",
            "the answers of `art2mus listen`",
            "Choose another file.",
        ) from error
    return Store(connection)


class Store:
    """An open study; close it in the end."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        study = connection.execute("SELECT * FROM study").fetchone()
        own = {field.name: study[field.name] for field in fields(Design)}
        self.design = Design(**{**own, "matched": bool(own["matched"])})
        rows = connection.execute("SELECT * FROM sound ORDER BY id").fetchall()
        self.sounds = {row["id"]: Sound(*(row[name] for name in Sound._fields)) for row in rows}
        self.systems, self.artworks = names_of(self.sounds.values())

    def close(self) -> None:
        self._connection.close()

    def begin(self) -> str:
        """A new listener with all trials; their token."""
        token = secrets.token_urlsafe(16)
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            row = self._connection.execute("INSERT INTO listener (token, begun) VALUES (?, ?)", (token, _now()))
            listener = int(row.lastrowid or 0)
            heard = cells_of(self._trials())
            trials = plan(self.design, self.systems, self.artworks, listener=listener, heard=heard)
            columns = "listener, position, token, part, kind, wanted, artwork, first, second"
            self._connection.executemany(
                f"INSERT INTO trial ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608  our own words
                [self._row(listener, position, trial) for position, trial in enumerate(trials)],
            )
        return token

    def turn(self, listener: str) -> Turn:
        """The listener's first page without an answer.

        Raises:
            UnknownTokenError: no such listener.
        """
        rows = self._connection.execute(
            "SELECT trial.* FROM trial JOIN listener ON listener.id = trial.listener WHERE listener.token = ? "
            "ORDER BY position",
            (listener,),
        ).fetchall()
        if not rows:
            raise UnknownTokenError
        left = [row for row in rows if row["answered"] is None]
        pages = [Page(row["token"], row["part"], len(_sounds(row)), row["wanted"]) for row in left[:1]]
        return Turn(len(rows) - len(left), len(rows), pages[0] if pages else None)

    def answer(self, listener: str, trial: str, values: Mapping[str, Any], heard: list[Any]) -> None:
        """Keep a listener's answers to one trial. The first ones stand: given again, they change nothing.

        Args:
            listener: token.
            trial: token of the page.
            values: an answer to each of the part's questions.
            heard: share of each sound that was heard.

        Raises:
            UnknownTokenError: no such trial of this listener.
            EvaluationError: a missing or unknown question, a value off its scale, or too little heard.
        """
        row = self._connection.execute(
            "SELECT trial.* FROM trial JOIN listener ON listener.id = trial.listener "
            "WHERE listener.token = ? AND trial.token = ?",
            (listener, trial),
        ).fetchone()
        if row is None:
            raise UnknownTokenError
        check_values(row["part"], values)
        check_heard(heard, len(_sounds(row)))
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            changed = self._connection.execute(
                "UPDATE trial SET answered = ? WHERE id = ? AND answered IS NULL", (_now(), row["id"])
            )
            if changed.rowcount:
                self._connection.executemany(
                    "INSERT INTO answer VALUES (?, ?, ?)", [(row["id"], key, value) for key, value in values.items()]
                )

    def heard_in(self, trial: str) -> tuple[str, tuple[Sound, ...]]:
        """The artwork of a trial, and its sounds in the order in which they are offered.

        Raises:
            UnknownTokenError: no such trial.
        """
        row = self._connection.execute("SELECT * FROM trial WHERE token = ?", (trial,)).fetchone()
        if row is None:
            raise UnknownTokenError
        return row["artwork"], tuple(self.sounds[key] for key in _sounds(row))

    def listeners(self) -> dict[int, bool]:
        """All who began, by number, and whether they answered everything."""
        rows = self._connection.execute(
            "SELECT listener, COUNT(*) = COUNT(answered) AS whole FROM trial GROUP BY listener ORDER BY listener"
        )
        return {row["listener"]: bool(row["whole"]) for row in rows}

    def answers(self) -> list[Answer]:
        """All answers, by listener and in the order of their trials."""
        rows = self._connection.execute(
            "SELECT * FROM answer JOIN trial ON trial.id = answer.trial ORDER BY listener, position, question"
        )
        return [self._answer(row) for row in rows]

    def _answer(self, row: sqlite3.Row) -> Answer:
        said = _sounds(row), self._systems(row), row["question"], row["value"]
        return Answer(row["listener"], row["part"], row["kind"], row["wanted"], row["artwork"], *said)

    def _trials(self) -> list[Trial]:
        rows = self._connection.execute("SELECT part, kind, artwork, first, second FROM trial").fetchall()
        return [Trial(row["part"], row["kind"], row["artwork"], self._systems(row)) for row in rows]

    def _systems(self, row: sqlite3.Row) -> tuple[str, ...]:
        return tuple(self.sounds[key].system for key in _sounds(row))

    def _row(self, listener: int, position: int, trial: Trial) -> tuple[Any, ...]:
        """A trial as a row; of several takes, listeners hear one after the other."""
        keys = [
            [key for key, sound in self.sounds.items() if (sound.system, sound.artwork) == (system, trial.artwork)]
            for system in trial.systems
        ]
        first, *second = [takes[listener % len(takes)] for takes in keys]
        token = secrets.token_urlsafe(16)
        shown = trial.part, trial.kind, trial.wanted, trial.artwork
        return listener, position, token, *shown, first, *(second or [None])


def _sounds(row: sqlite3.Row) -> tuple[int, ...]:
    """Numbers of the sounds of a trial, in the order in which they are offered."""
    return tuple(key for key in (row["first"], row["second"]) if key is not None)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
