from __future__ import annotations

import pytest
import torch

from art2mus_core.aligners.files import find_aligner, load_aligner, save_aligner
from art2mus_core.aligners.visual import VisualAligner
from art2mus_core.checkpoints.folder import read_tensors, save_tensors
from art2mus_core.errors import CheckpointError, SettingError
from art2mus_core.types import Embedding


@pytest.fixture
def aligner():
    torch.manual_seed(0)
    return VisualAligner(dim=7, hidden=13, tokens=3, width=5, space="tiny")


@pytest.fixture
def path(tmp_path, aligner):
    path = tmp_path / "aligner" / "model.safetensors"
    save_aligner(path, aligner, licence="CC0-1.0", run="run 7", half=False)
    return path


def test_an_aligner_comes_back(path, aligner):
    embedding = Embedding(torch.randn(2, 7), "tiny")
    loaded = load_aligner(path, space="tiny", width=5).align(embedding)
    assert loaded.values.shape == (2, 3, 5)
    assert loaded.mask.all()
    assert torch.equal(loaded.values, aligner.align(embedding).values)


def test_tokens_lie_side_by_side(aligner):
    with torch.no_grad():
        aligner.prompt.weight.zero_()
        aligner.prompt.bias.copy_(torch.arange(15.0))
    tokens = aligner.align(Embedding(torch.randn(1, 7), "tiny")).values
    assert tokens[0].tolist() == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9], [10, 11, 12, 13, 14]]


def test_the_length_of_an_embedding_does_not_matter(aligner):
    embedding = torch.randn(2, 7)
    short, long = aligner.align(Embedding(embedding, "tiny")), aligner.align(Embedding(9 * embedding, "tiny"))
    assert torch.allclose(short.values, long.values, atol=1e-4)


def test_the_header_says_what_it_is(path):
    header = read_tensors(path)[1]
    assert {key: header[key] for key in ("kind", "space", "tokens", "width", "licence", "run")} == {
        "kind": "visual",
        "space": "tiny",
        "tokens": "3",
        "width": "5",
        "licence": "CC0-1.0",
        "run": "run 7",
    }


@pytest.mark.parametrize(("space", "width"), [("clip", 5), ("tiny", 6)])
def test_an_aligner_for_another_model_is_refused(path, space, width):
    with pytest.raises(CheckpointError, match="trained for this model"):
        load_aligner(path, space=space, width=width)


def test_an_embedding_of_another_space_is_refused(aligner):
    with pytest.raises(CheckpointError, match="clip"):
        aligner.align(Embedding(torch.randn(2, 7), "clip"))


def test_other_weights_are_no_aligner(tmp_path):
    save_tensors(tmp_path / "x.safetensors", {"x": torch.ones(2)})
    with pytest.raises(CheckpointError, match="kind"):
        load_aligner(tmp_path / "x.safetensors", space="tiny", width=5)


def test_a_header_without_its_weights_is_refused(tmp_path, path):
    header = {key: value for key, value in read_tensors(path)[1].items() if key != "format"}
    save_tensors(tmp_path / "x.safetensors", {"x": torch.ones(2)}, metadata=header)
    with pytest.raises(CheckpointError, match="lacks"):
        load_aligner(tmp_path / "x.safetensors", space="tiny", width=5)


def test_aligners_are_found_by_name_or_path(tmp_path, path):
    assert find_aligner(tmp_path, "model") == path
    assert find_aligner(tmp_path / "elsewhere", str(path)) == path
    with pytest.raises(SettingError, match="one of model"):
        find_aligner(tmp_path, "shuffled")
