"""The learning rate by step."""

from __future__ import annotations

import math
from itertools import pairwise

from .config import TrainingConfig

__all__ = ["learning_rate_at"]


def learning_rate_at(step: int, config: TrainingConfig) -> float:
    """The learning rate at a step: a linear warm-up, then a cosine down to `final_share`, repeated after each restart."""
    bounds = [0, *(restart for restart in config.restarts if restart < config.steps), config.steps]
    begin, end = next((a, b) for a, b in pairwise(bounds) if step < b)
    warm = max(1, round(config.warmup * (end - begin)))
    if step - begin < warm:
        return config.learning_rate * (step - begin + 1) / warm
    along = (step - begin - warm) / max(1, end - begin - warm)
    share = config.final_share + (1 - config.final_share) * 0.5 * (1 + math.cos(math.pi * along))
    return config.learning_rate * share
