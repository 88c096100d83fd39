"""Help texts are sentences or noun phrases that stand alone, and fit on a terminal of 80 columns."""

from __future__ import annotations

import inspect
from typing import get_type_hints

import pytest

from art2mus_core.cli.app import COMMANDS, command
from art2mus_core.cli.dataset import DATASET
from art2mus_core.cli.train import train
from art2mus_core.training.config import TrainingConfig

ALL = (*(command(name) for name in COMMANDS if name != "dataset"), *DATASET)

FRAGMENTS = ("Of ", "By ", "In ", "To ", "Where ", "What ", "How ", "As ", "From ")


def faults(text: str | None) -> list[str]:
    text = text or ""
    found = [word for word in FRAGMENTS if text.startswith(word)]
    return found + ([] if text.endswith(".") else ["no full stop"]) + ([] if text[:1].isupper() else ["no capital"])


def test_the_help_of_an_option_stands_alone():
    helps = {
        (command.__module__, name): declared.__metadata__[0].help
        for command in ALL
        for name, declared in get_type_hints(command, include_extras=True).items()
        if name != "return"
    }
    assert len(helps) > 100
    assert {option: text for option, text in helps.items() if faults(text)} == {}


@pytest.mark.parametrize("command", ALL, ids=lambda command: command.__module__)
def test_the_help_of_a_command_fits(command):
    first, *more = inspect.getdoc(command).split("\n\n")
    assert "\n" not in first
    assert faults(first) == []
    assert [line for each in more for line in each.splitlines() if len(line) > 76] == []


def test_the_help_of_training_explains_every_packaged_configuration():
    pages = inspect.getdoc(train).split("\n\n")
    explained = {name: page for page in pages if (name := page.partition(":")[0]) in TrainingConfig.packaged()}
    assert explained.keys() == TrainingConfig.packaged().keys()
    for name in ("embedding", "embedding-image"):
        assert explained[name].endswith(f"from {TrainingConfig.load(name).batch} pairs.")  # a whole batch


def test_fragments_are_found():
    assert faults("Of the page.") == ["Of "]
    assert faults("float16 or float32") == ["no full stop", "no capital"]
    assert faults(None) == ["no full stop", "no capital"]
