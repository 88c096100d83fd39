"""Train a student of a denoiser, which makes the same music in a few steps and without guidance.

A teacher, the denoiser with guidance in its own number of steps, composes artworks once; the latents at the ends of the student's steps
are kept, see :mod:`~art2mus_core.training.features.trajectories`. One step of the student takes the place of several of the
teacher's, and of both sides of guidance: from a latent that the teacher came through it is to reach the one at which the teacher
arrives (progressive distillation: Salimans & Ho 2022; of guided models: Meng et al. 2023). A share of the examples starts from where
the student itself arrives, so that it learns to return to the teacher's way.

The student is a LoRA: what the teacher's own weights lack to take such steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor, nn

from ...aligners.files import find_aligner
from ...checkpoints.folder import config_file
from ...checkpoints.identity import component_digests
from ...checkpoints.lora import denoiser_fingerprint, save_lora
from ...checkpoints.precision import imitates
from ...checkpoints.student import student_file
from ...checkpoints.weighing import needed
from ...conditioning.constants import constants_file
from ...configuration import Fields
from ...diffusion.denoiser import LatentDenoiser, reads_plan
from ...diffusion.schedules import STUDENT, TEACHER, schedule
from ...diffusion.solvers import Schedule
from ...digests import file_digest
from ...encoders.files import image_component
from ...errors import SettingError
from ...pipelines.choice import Choice
from ...pipelines.parts import open_parts
from ...pipelines.settings import LONGEST, MOST_STEPS, SHORTEST, STRONGEST, Settings
from ...types import Condition
from ..adapters import LoraFields, lora_of
from ..batches import Batch, Draw
from ..config import TrainingConfig
from ..features.dataset import Dataset
from ..features.trajectories import Trajectories, plan_of
from ..objective import Objective, read_options

__all__ = ["StudentObjective", "StudentOptions"]

HELD_OUT, CHUNK = 48, 8
"""Number of validation pairs, and the size of their batches."""

READ = ("language_model", "plan_model", "unet")
"""Components of a checkpoint on which the teacher's music depends, beside encoder, aligner and constants."""


class StudentOptions(Fields):
    """Options of the stage `student`.

    Attributes:
        steps: steps of the student.
        teacher: steps of the teacher, a multiple of them.
        guidance: scale of the teacher's guidance.
        seconds: length of the teacher's pieces.
        pieces: pieces for each artwork, which differ by their noise.
        unrolled: share of the examples that start from where the student itself arrives.
        lora: rank, alpha and targets of the LoRA.
        aligner: name or file of the aligner that prompts the teacher.
        encoder: name or folder of the image encoder; by default the one that the aligner was trained with.
        support: name of the text constants.
        licence: licence of the weights.
        run: the training run.
    """

    steps: int = Field(default=4, ge=1)
    teacher: int = Field(default=8, ge=1, le=MOST_STEPS)
    guidance: float = Field(ge=1, le=STRONGEST)
    seconds: float = Field(default=10.0, ge=SHORTEST, le=LONGEST)
    pieces: int = Field(default=2, ge=1)
    unrolled: float = Field(default=0.5, ge=0, le=1)
    lora: LoraFields
    aligner: str = "model"
    encoder: str | None = None
    support: str = "model"
    licence: str = "Apache-2.0"
    run: str = "student"

    def check(self) -> None:
        """Check the numbers of steps together.

        Raises:
            SettingError: the teacher's steps are no multiple of the student's.
        """
        if self.teacher % self.steps:
            raise SettingError(
                f"a teacher of {self.teacher} steps for a student of {self.steps}",
                f"a multiple of {self.steps}",
                "Change `teacher` or `steps` in the options.",
            )


@dataclass(frozen=True)
class StudentBatch(Batch):
    """Latents at the `first` of a student's steps, where it should be after the step `last`, and what it is told."""

    state: Float[Tensor, "batch channels frames rows"]
    target: Float[Tensor, "batch channels frames rows"]
    condition: Condition
    first: int
    last: int


class StudentObjective(Objective):
    """The LoRA of a frozen denoiser with which it is the student."""

    sides = ("artworks",)

    def __init__(self, data: Dataset, config: TrainingConfig, checkpoint: Path, device: torch.device) -> None:
        super().__init__(data, config, checkpoint, device)
        self.options = read_options(config, StudentOptions)
        self.options.check()
        chosen = {name: getattr(self.options, name) for name in ("aligner", "encoder", "support")}
        self.teacher = Choice(str(checkpoint), **chosen, dtype=_fast(device))
        self.opened = open_parts(Choice(str(checkpoint), **chosen))
        self.opened.check()
        self.opened.check_artworks()
        self.schedule: Schedule = schedule(self.opened.schedule, STUDENT, self.options.steps)
        self.unet = self.opened.unet.requires_grad_(requires_grad=False)
        self.unet.checkpointing = config.checkpointing
        self.denoiser = LatentDenoiser(self.unet)
        self.trained = nn.ModuleDict(lora_of(self.unet, self.options.lora, config.seed))
        self.trained.requires_grad_()

    def prepare(self) -> None:
        weights = needed(self.checkpoint, ["unet", "language_model"], torch.float32)
        found = self.data.seen("trajectories", self._trajectories(), device=str(self.device), weights=weights)
        self.states, self.language, self.plan = found["states"], found["language"], found.get("plan")

    def _trajectories(self) -> Trajectories:
        settings = Settings(self.options.seconds, self.options.teacher, self.options.guidance, TEACHER)
        digests = {name: digest for group in self.parts().values() for name, digest in group.items()}
        planned = reads_plan(self.unet.config)
        return Trajectories(
            self.teacher,
            tuple(digests.items()),
            settings,
            self.options.steps,
            self.options.pieces,
            planned=planned,
            device=str(self.device),
        )

    def parts(self) -> dict[str, dict[str, str]]:
        folder, encoder = self.checkpoint, self.opened.encoder_folder
        files = {
            "aligner": find_aligner(folder, self.options.aligner),
            "constants": constants_file(folder, self.options.support),
            "scheduler": config_file(folder, "scheduler"),
        }
        return {
            "checkpoint": {
                **component_digests(folder, READ),
                **{name: file_digest(path) for name, path in files.items()},
            },
            "encoder": component_digests(encoder, [image_component(encoder)]),
        }

    def compiled(self) -> list[nn.Module]:
        return [self.unet]

    def batch(self, draw: Draw) -> StudentBatch:
        rows = draw.rows(self.train_rows)
        pieces = draw.rng.integers(self.options.pieces, size=draw.size)
        last = int(draw.rng.integers(self.options.steps))
        alone = draw.rng.random() < self.options.unrolled
        return self._examples(rows[draw.part], pieces[draw.part], 0 if alone else last, last)

    def _examples(
        self, rows: Int[np.ndarray, " batch"], pieces: Int[np.ndarray, " batch"], first: int, last: int
    ) -> StudentBatch:
        files = self.data.artworks.of[rows]
        states, language = (torch.from_numpy(each.take(files, pieces)).float() for each in (self.states, self.language))
        plan = None if self.plan is None else plan_of(torch.from_numpy(self.plan.take(files, pieces)))
        constants = self.opened.constants
        told = Condition(language, constants.text, constants.text_mask)
        text, mask = (
            None if each is None else each.expand(len(rows), *each.shape[1:]) for each in (told.text, told.text_mask)
        )
        return StudentBatch(states[:, first], states[:, last + 1], Condition(language, text, mask, plan), first, last)

    def forward(self, batch: StudentBatch) -> tuple[Tensor, dict[str, Tensor]]:
        x = batch.state
        with torch.no_grad():
            for index in range(batch.first, batch.last):
                x = self._step(index, x, batch.condition)
        error = (self._step(batch.last, x, batch.condition) - batch.target) / self._reach(batch.last)
        loss = error.square().mean()
        return loss, {f"step {batch.last + 1}": loss}

    def _step(self, index: int, x: Tensor, condition: Condition) -> Tensor:
        """One step of the student."""
        predicted = self.denoiser(x, self.schedule.timesteps[index], condition).float()
        return self.schedule.solver(index, x, *self.schedule.split(index, x, predicted))

    def _reach(self, index: int) -> Tensor:
        """How far a step moves for a prediction of 1: the loss is the error of the prediction."""
        start = torch.zeros(1, 1, 1, 1)
        moved = self.schedule.solver(index, start, *self.schedule.split(index, start, torch.ones_like(start)))
        return moved.abs().to(self.unet.conv_in.weight.device)

    def validate(self) -> dict[str, float]:
        """How far the student's music is from the teacher's, relative to the norm of the teacher's: at each step's end, and at the last."""
        rows = self.validation_rows[:HELD_OUT]
        errors, norms = torch.zeros(self.options.steps), torch.zeros(self.options.steps)
        for part in np.array_split(rows, -(-len(rows) // CHUNK)):
            pieces = np.zeros(len(part), int)
            x: Tensor | None = None
            for last in range(self.options.steps):
                batch = self._examples(part, pieces, last, last).to(self.unet.conv_in.weight.device)
                x = self._step(last, batch.state if x is None else x, batch.condition)
                errors[last] += (x - batch.target).square().sum().cpu()
                norms[last] += batch.target.square().sum().cpu()
        distances = (errors / norms).sqrt().tolist()
        return {"distance": distances[-1], **{f"distance {n}": value for n, value in enumerate(distances[:-1], 1)}}

    def export(self, folder: Path) -> None:
        """Write the student beside the denoiser."""
        told = {"steps": self.options.steps, "teacher": self.options.teacher, "guidance": self.options.guidance}
        save_lora(
            student_file(folder),
            self.trained["lora"].state_dict(),
            alpha=self.options.lora.alpha,
            prior=folder.resolve().name,
            denoiser=denoiser_fingerprint(folder),
            licence=self.options.licence,
            run=self.options.run,
            told={name: f"{value:g}" for name, value in told.items()},
        )


def _fast(device: torch.device) -> torch.dtype:
    """The teacher's precision: half the time, where the device computes in it."""
    return torch.float32 if imitates(device, torch.bfloat16) else torch.bfloat16
