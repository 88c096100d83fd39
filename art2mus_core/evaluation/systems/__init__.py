"""Systems: the methods whose music is compared."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from .art2music import Art2MusicSystem
from .artwork import ArtworkSystem
from .folder import FolderSystem
from .real import ReconstructionSystem, ReferenceSystem
from .shuffled import ShuffledSystem
from .system import System, Workshop
from .text import TextSystem
from .unconditional import UnconditionalSystem

__all__ = ["AnySystem", "System", "Workshop"]

AnySystem = Annotated[
    ArtworkSystem
    | Art2MusicSystem
    | TextSystem
    | ShuffledSystem
    | UnconditionalSystem
    | ReconstructionSystem
    | ReferenceSystem
    | FolderSystem,
    Field(discriminator="kind"),
]
"""The kinds of systems."""
