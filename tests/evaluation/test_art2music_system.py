"""Pieces for artworks and comments, beside the pipeline asked directly."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from art2mus_core.errors import EvaluationError, SettingError
from art2mus_core.evaluation.gathering import gather_artworks
from art2mus_core.evaluation.systems import Workshop
from art2mus_core.images.reading import read_artwork
from art2mus_core.pipelines import load

from .material import configured


@pytest.fixture
def workshop(paintings, tmp_path, commented):
    (tmp_path / "said.csv").write_text("id,comment\nDAWN,calm\ndusk,so still\ndawn,blue\nnoon, \n", encoding="utf-8")

    def opened(**fields):
        system = {"kind": "art2music", "model": str(commented), **fields}
        config = configured(tmp_path, artworks=[{"folder": "paintings"}], systems={"it": system})
        return Workshop(tmp_path / "out", config.seconds, config.seeds, gather_artworks(config), config.systems)

    return opened


def pieces(shop):
    return [piece.samples for piece in shop.systems["it"].make(shop.jobs("it"), shop, None)]


def test_a_piece_follows_the_comments_of_the_file(workshop, commented):
    shop, pipeline = workshop(comments="said.csv", balance=0.7), load(str(commented))
    jobs = shop.jobs("it")
    for job, piece, said in zip(jobs, pieces(shop), [["blue"], ["so still"], []], strict=True):
        artwork = read_artwork(job.subject.path)
        [expected] = pipeline.compose([artwork], comments=[said], balance=0.7, seconds=1.0)
        torch.testing.assert_close(piece, expected.samples, atol=1e-5, rtol=0)
    assert shop.systems["it"].source(jobs[1], shop)["comment"] == "so still"
    assert "comment" not in shop.systems["it"].source(jobs[2], shop)
    told = shop.described["it"]
    assert (told["balance"], told["text_encoder"], told["image_encoder"]) == (0.7, "tiny-words", "tiny")


def test_without_a_file_the_comments_are_the_datasets(workshop):
    shop = workshop()
    system, job = shop.systems["it"], shop.jobs("it")[0]
    assert "comment" not in system.source(job, shop)
    said = replace(job, subject=replace(job.subject, comments=("calm", "blue")))
    assert system.source(said, shop)["comment"] == "calm\nblue"
    assert shop.key("it", said) != shop.key("it", job)


def test_what_cannot_be_used_is_told(workshop, tmp_path):
    (tmp_path / "said.csv").write_text("id,text\ndawn,calm\n", encoding="utf-8")
    shop = workshop(comments="said.csv")
    with pytest.raises(EvaluationError, match="columns id and comment"):
        shop.systems["it"].source(shop.jobs("it")[0], shop)
    with pytest.raises(SettingError, match=r"steps with .* draws nothing"):
        workshop(steps=3).described  # noqa: B018
