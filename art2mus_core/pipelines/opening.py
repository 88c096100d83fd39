"""What all routes share: how a checkpoint is opened, and a stage that uses one of its parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from ..checkpoints.memory import allocating, available, check_memory
from ..errors import SettingError
from ..types import OnStep, Step
from .choice import Choice
from .settings import check_seed
from .stages import Resident

__all__ = ["Route"]


AnyRoute = TypeVar("AnyRoute", bound="Route")


@dataclass(frozen=True)
class Route:
    """The networks of a checkpoint with a memory policy.

    Attributes:
        parts: the parts of the checkpoint.
        resident: the caller's memory policy; by default networks stay where they are.
        offload: whether a network is freed after its stage.
        NETWORKS: the networks of the route, in the order of its stages.
    """

    NETWORKS: ClassVar[tuple[str, ...]] = ()
    FREED: ClassVar[tuple[str, ...]] = ()
    """Those that `offload` frees; the others are small."""

    parts: Any
    resident: Resident = nullcontext
    offload: bool = False

    @classmethod
    def open(  # noqa: PYI019  beartype knows no Self in a class that it does not decorate
        cls: type[AnyRoute], choice: Choice, *, resident: Resident = nullcontext, offload: bool = False
    ) -> AnyRoute:
        """Open a checkpoint.

        Args:
            choice: its parts.
            resident: the caller's memory policy.
            offload: load each network only for its stage and free it afterwards; forced if the memory cannot hold all.

        Raises:
            SettingError: an unknown checkpoint or part, or too little memory.
            CheckpointError: a part is missing, damaged or does not match.
        """
        with allocating(choice.checkpoint):
            parts = cls._checked(choice)
            weights, free = parts.weights(cls._networks(choice)), available()
            check_memory(max(weights.values()), f"a network of {choice.checkpoint}", free=free)
            offload = offload or sum(weights.values()) > free
            for name in () if offload else weights:
                getattr(parts, name)
        return cls(parts, resident, offload)

    @classmethod
    def _networks(cls, choice: Choice) -> tuple[str, ...]:  # noqa: ARG003 - for routes with a choice
        """The networks that are opened at once."""
        return cls.NETWORKS

    @classmethod
    def _checked(cls, choice: Choice) -> Any:  # noqa: ANN401
        """The parts of a choice, checked without reading weights."""
        raise NotImplementedError

    def working(self, seconds: float, count: int) -> dict[str, int]:
        """Bytes besides weights that `count` pieces of a length need, by stage; only large stages are listed."""
        raise NotImplementedError

    @staticmethod
    def _seeds(seeds: Sequence[int] | None, count: int, noun: str) -> list[int]:
        """A seed for each of `count` artworks or texts, by default 0."""
        drawn = list(seeds) if seeds is not None else [0] * count
        if not count or len(drawn) != count:
            raise SettingError(
                f"{len(drawn)} seeds for {count} {noun}s",
                f"at least one {noun} and a seed for each",
                "Pass one seed for each.",
            )
        for seed in drawn:
            check_seed(seed)
        return drawn

    @contextmanager
    def _using(self, name: str, on_step: OnStep | None, *, report: bool = True) -> Iterator[Any]:
        """A part for the length of a stage; it is loaded before and, with `offload`, freed afterwards."""
        loaded = self.parts.is_open(name)
        with allocating(f"{self.parts.choice.checkpoint}'s {name.replace('_', ' ')}"):
            part = getattr(self.parts, name)
            if on_step and not loaded:
                on_step(Step(f"open {name}", 1, 1))
            yield part
        if self.offload and name in self.FREED:
            self.parts.release(name)
        if on_step and report:
            on_step(Step(name, 1, 1))
