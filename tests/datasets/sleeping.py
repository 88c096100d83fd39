"""Long work for a process that is not told to end."""

from __future__ import annotations

import os
import time
from pathlib import Path


def sleep_long(marks: str, item: int) -> int:
    Path(marks, str(os.getpid())).touch()
    time.sleep(600)
    return item
