"""What a command leaves behind: its one line, and files."""

from __future__ import annotations

from pathlib import Path


def written():
    return sorted(str(path) for path in Path().rglob("*") if path.is_file())


def one_line(text):
    return text.startswith("art2mus: ") and text.endswith("\n") and text.count("\n") == 1
