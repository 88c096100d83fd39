"""The table of solvers.

Importing this file does not import torch, so the choice of a solver is checked at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import SettingError

__all__ = ["OF_STUDENTS", "SOLVERS", "STUDENT", "TEACHER", "check_solver", "schedule"]

STUDENT, TEACHER = "student", "dpm++2m-quadratic"
"""The solver of students, and that of their teachers, whose levels contain the student's."""

QUADRATIC = 2.0
"""Exponent of their levels, the best for a few steps of first order; see :func:`~art2mus_core.diffusion.solvers.powers`."""


def _ddim(levels: Any, steps: int) -> Any:  # noqa: ANN401 - NoiseLevels and Schedule, whose types need torch
    """DDIM (Song et al. 2021) on every k-th level, as in AudioLDM2.

    If `steps` does not divide the number of levels, every k-th level would start below full noise. Then first-order DPM-Solver++,
    which is the same equation, runs on evenly spaced levels.
    """
    from .solvers import ddim, evenly  # noqa: PLC0415

    return ddim(levels, steps) if len(levels) % steps == 0 else evenly(levels, steps)


def _dpm(levels: Any, steps: int) -> Any:  # noqa: ANN401 - NoiseLevels and Schedule, whose types need torch
    """DPM-Solver++ 2M (Lu et al. 2022) on the noise levels of Karras et al. 2022."""
    from .solvers import DpmSolver, karras  # noqa: PLC0415

    return karras(levels, steps, DpmSolver)


def _unipc(levels: Any, steps: int) -> Any:  # noqa: ANN401 - NoiseLevels and Schedule, whose types need torch
    """UniPC (Zhao et al. 2023) on the noise levels of Karras et al. 2022."""
    from .solvers import UniPc, karras  # noqa: PLC0415

    return karras(levels, steps, UniPc)


def _unipc_low(levels: Any, steps: int) -> Any:  # noqa: ANN401 - NoiseLevels and Schedule, whose types need torch
    """UniPC on levels by the exponent 20 in place of 7: more of them where there is little noise.

    In 16 steps it is nearer to the exact solution than DDIM in 200 (`benchmarks/solvers.py`).
    """
    from .solvers import UniPc, karras  # noqa: PLC0415

    return karras(levels, steps, UniPc, rho=20.0)


def _teacher(levels: Any, steps: int) -> Any:  # noqa: ANN401 - NoiseLevels and Schedule, whose types need torch
    """DPM-Solver++ 2M on levels that fall with the square of the step."""
    from .solvers import DpmSolver, powers  # noqa: PLC0415

    return powers(levels, steps, DpmSolver, QUADRATIC)


def _student(levels: Any, steps: int) -> Any:  # noqa: ANN401 - NoiseLevels and Schedule, whose types need torch
    """The steps of a student: those of DDIM on some of its teacher's levels."""
    from .solvers import Ddim, powers  # noqa: PLC0415

    return powers(levels, steps, Ddim, QUADRATIC)


SOLVERS: dict[str, Callable[[Any, int], Any]] = {
    "dpm++2m-karras": _dpm,
    "unipc-karras": _unipc,
    "unipc-rho20": _unipc_low,
    "ddim": _ddim,
}
"""Those that a user chooses from."""

OF_STUDENTS: dict[str, Callable[[Any, int], Any]] = {TEACHER: _teacher, STUDENT: _student}
"""Those that training and the preset `instant` choose."""


def check_solver(name: str) -> None:
    """Check the name of a solver.

    Raises:
        SettingError: neither in `SOLVERS` nor in `OF_STUDENTS`.
    """
    if name not in SOLVERS | OF_STUDENTS:
        raise SettingError(f"no solver {name!r}", f"one of {', '.join(SOLVERS)}", "Check the name.")


def schedule(config: dict[str, Any], solver: str, steps: int) -> Any:  # noqa: ANN401
    """The :class:`~art2mus_core.diffusion.solvers.Schedule` of a solver.

    Args:
        config: the content of the checkpoint's `scheduler_config.json`.
        solver: a name in `SOLVERS` or `OF_STUDENTS`.
        steps: number of denoising steps.

    Raises:
        SettingError: unknown solver, or more steps than noise levels.
        CheckpointError: as :func:`~art2mus_core.diffusion.levels.read_levels`.
    """
    from .levels import read_levels  # noqa: PLC0415 - torch

    check_solver(solver)
    levels = read_levels(config)
    if not 1 <= steps <= len(levels):
        raise SettingError(f"{steps} steps", f"1 to {len(levels)}", "Choose another number of steps.")
    return (SOLVERS | OF_STUDENTS)[solver](levels, steps)
