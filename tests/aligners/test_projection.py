"""The 2024 projection against its equations, and its published files in every state that a download can leave them in."""

from __future__ import annotations

import os
import pickle
from collections import OrderedDict

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from art2mus_core.aligners.files import load_aligner, read_header, save_aligner
from art2mus_core.aligners.projection import ProjectionAligner, count_tokens, read_published
from art2mus_core.errors import CheckpointError
from art2mus_core.types import Embedding

SIZES = {"dim": 7, "hidden": 11, "width": 5}
REAL = {"dim": 1024, "hidden": 1536, "width": 768}
SHORT = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}


def published(tokens, sizes=SIZES, dtype=torch.float32):
    """What the authors' `state_dict` holds, in random numbers."""
    random = torch.Generator().manual_seed(tokens)
    dim, hidden, rows = sizes["dim"], sizes["hidden"], tokens * sizes["width"]
    shapes = {"1.weight": (hidden, dim), "1.bias": (hidden,), "2.weight": (rows, hidden), "2.bias": (rows,)}
    state = OrderedDict((f"projection{key}", torch.randn(shape, generator=random)) for key, shape in shapes.items())
    state["projection2.weight"] /= hidden**0.5
    return OrderedDict((key, value.to(dtype)) for key, value in state.items())


def by_the_equations(state, embedding, width):
    """SYSTEMS.md's `Linear -> Tanh -> Linear -> [B, n, W]` in float64, without a line of torch."""
    w1, b1, w2, b2 = (
        state[f"projection{key}"].double().numpy() for key in ("1.weight", "1.bias", "2.weight", "2.bias")
    )
    rows = []
    for x in embedding.double().numpy():
        hidden = np.tanh(np.einsum("hd,d->h", w1, x) + b1)
        flat = np.einsum("rh,h->r", w2, hidden) + b2
        rows.append([flat[n * width : (n + 1) * width] for n in range(len(flat) // width)])
    return np.array(rows)


@pytest.mark.parametrize("name", ["art2mus_img_proj_layer.pt", "art2mus_4_img_proj_layer.pt"])
@pytest.mark.parametrize("dtype", SHORT.values(), ids=SHORT)
@pytest.mark.parametrize("archive", [True, False], ids=["archive", "bare pickle"])
def test_a_published_file_is_its_equations(tmp_path, name, dtype, archive):
    tokens = 4 if "4" in name.removeprefix("art2mus") else 1
    state = published(tokens, REAL, dtype)
    torch.save(state, tmp_path / name, _use_new_zipfile_serialization=archive)
    embedding = nn.functional.normalize(torch.randn(3, 1024), dim=-1)
    aligner = load_aligner(tmp_path / name, space="imagebind", width=768)
    prompt = aligner.align(Embedding(embedding, "imagebind"))
    expected = by_the_equations(state, embedding, 768)
    assert prompt.values.shape == (3, tokens, 768)
    assert prompt.values.dtype == torch.float32
    assert prompt.mask.all()
    assert np.abs(prompt.values.numpy() - expected).max() < 1e-5
    assert expected.std() > 0.1


def test_the_header_of_a_published_file_is_known(tmp_path):
    torch.save(published(4, REAL), tmp_path / "layer.pt")
    header = read_header(tmp_path / "layer.pt")
    said = (header.kind, header.space, header.tokens, header.width, header.encoder, header.prior, header.language)
    assert said == ("projection", "imagebind", 4, 768, "imagebind", "audioldm2", None)


@pytest.mark.parametrize(("space", "width", "needed"), [("pocket", 768, "imagebind"), ("imagebind", 384, "audioldm2")])
def test_a_published_file_for_another_model_says_which_it_needs(tmp_path, space, width, needed):
    torch.save(published(1, REAL), tmp_path / "layer.pt")
    with pytest.raises(CheckpointError, match=f"Choose (the encoder )?{needed}, or an aligner that was trained for"):
        load_aligner(tmp_path / "layer.pt", space=space, width=width)


def test_the_file_is_free_once_it_is_read(tmp_path):
    state, path = published(1), tmp_path / "layer.pt"
    torch.save(state, path)
    read = read_published(path, sizes=SIZES)
    with path.open("r+b") as file:
        file.write(bytes(path.stat().st_size))
    assert torch.equal(read["prompt.weight"], state["projection2.weight"])


@given(tokens=st.integers(1, 9), width=st.integers(1, 13), hidden=st.integers(1, 6), dim=st.integers(1, 6))
@settings(max_examples=30)
def test_the_token_count_follows_from_the_shapes(tmp_path_factory, tokens, width, hidden, dim):
    sizes = {"dim": dim, "hidden": hidden, "width": width}
    path = tmp_path_factory.getbasetemp() / "counted.pt"
    torch.save(published(tokens, sizes), path)
    assert count_tokens(path, sizes=sizes) == tokens
    if tokens % (width + 1):
        with pytest.raises(CheckpointError, match=r"projection2\.bias"):
            count_tokens(path, sizes={**sizes, "width": width + 1})


OTHER_KEYS = {
    "of another network": ({"norm.weight": torch.ones(3)}, "lacks projection1.bias, projection1.weight.*norm.weight"),
    "one missing": (
        {key: value for key, value in published(1).items() if key != "projection2.bias"},
        "lacks proj.*2.b",
    ),
    "one surplus": ({**published(1), "projection3.bias": torch.ones(5)}, "has unexpected projection3.bias;"),
    "of a wrapped module": ({f"module.{key}": value for key, value in published(1).items()}, "module.projection1.bias"),
    "many": ({str(number): torch.ones(1) for number in range(9)}, "0, 1, 2, 3, 4 and 4 more"),
    "none": ({}, "lacks"),
    "numbered": ({0: torch.ones(3)}, "no weights by name"),
    "no table": ([torch.ones(3)], "no weights by name"),
}


@pytest.mark.parametrize(("content", "said"), OTHER_KEYS.values(), ids=OTHER_KEYS)
def test_other_keys_are_refused_by_name(tmp_path, content, said):
    torch.save(content, tmp_path / "layer.pt")
    with pytest.raises(CheckpointError, match=said) as refused:
        count_tokens(tmp_path / "layer.pt", sizes=SIZES)
    assert refused.value.came
    assert "projection1.weight" in refused.value.expected
    assert refused.value.remedy


OTHER_VALUES = {
    "another encoder's": ("projection1.weight", torch.ones(11, 6), r"\[11, 6\] for \[11, 7\]"),
    "another hidden width": ("projection1.bias", torch.ones(12), r"\[12\] for \[11\]"),
    "layers that don't meet": ("projection2.weight", torch.ones(5, 12), r"\[5, 12\] for \[5, 11\]"),
    "weight and bias that don't": (
        "projection2.bias",
        torch.ones(10),
        r"projection2.weight of \[5, 11\] for \[10, 11\]",
    ),
    "another prior's": ("projection2.bias", torch.ones(6), r"projection2.bias of \[6\] for \[5\]"),
    "no token": ("projection2.bias", torch.ones(0), r"projection2.bias of \[0\] for \[5\]"),
    "a square": ("projection2.bias", torch.ones(1, 5), r"\[1, 5\] for \[5\]"),
    "integers": ("projection1.bias", torch.ones(11, dtype=torch.int64), "contains projection1.bias as int64"),
    "doubles beyond floats": (
        "projection1.bias",
        torch.full([11], 1e300, dtype=torch.float64),
        "not finite in projection1.bias",
    ),
    "eight bits": ("projection1.bias", torch.ones(11).to(torch.float8_e4m3fn), "projection1.bias as float8_e4m3fn"),
    "a sparse tensor": ("projection1.weight", torch.eye(11, 7).to_sparse(), "as something other than a tensor|damaged"),
    "no tensor": ("projection1.bias", 3.0, "as something other than a tensor"),
    "nowhere": ("projection1.bias", torch.ones(11, device="meta"), "without values"),
    "not a number": ("projection1.bias", torch.full([11], torch.nan), "not finite in projection1.bias"),
    "infinity": ("projection2.weight", torch.full([5, 11], torch.inf), "not finite in projection2.weight"),
}


@pytest.mark.parametrize(("key", "value", "said"), OTHER_VALUES.values(), ids=OTHER_VALUES)
def test_other_values_are_refused_by_name(tmp_path, key, value, said):
    torch.save({**published(1), key: value}, tmp_path / "layer.pt")
    with pytest.raises(CheckpointError, match=said):
        read_published(tmp_path / "layer.pt", sizes=SIZES)


class Code:
    def __reduce__(self):
        return os.mkdir, ("ran",)


def test_code_in_a_file_does_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({**published(1), "projection1.bias": Code()}, tmp_path / "archive.pt")
    (tmp_path / "bare.pt").write_bytes(pickle.dumps(Code(), protocol=2))
    torch.save(nn.Linear(3, 4), tmp_path / "module.pt")
    for name in ("archive.pt", "bare.pt", "module.pt"):
        with pytest.raises(CheckpointError, match="could run as a program"):
            read_published(tmp_path / name, sizes=SIZES)
    assert not (tmp_path / "ran").exists()


NO_WEIGHTS = {
    "is empty": b"",
    "is a web page": b"\n<!DOCTYPE html><html><body>404</body></html>",
    "only points to a file": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 11019264\n",
    "is not a file of weights": b"weights",
    "cut short, damaged or no": b"PK\x03\x04 and no more",
}


@pytest.mark.parametrize(("said", "content"), NO_WEIGHTS.items(), ids=NO_WEIGHTS)
def test_what_is_no_file_of_weights_is_said(tmp_path, said, content):
    (tmp_path / "layer.pt").write_bytes(content)
    with pytest.raises(CheckpointError, match=said):
        read_header(tmp_path / "layer.pt")


def test_missing_files_and_folders_are_refused(tmp_path):
    (tmp_path / "folder.pt").mkdir()
    for name, said in (("folder.pt", "is a folder"), ("absent.pt", "does not exist")):
        with pytest.raises(CheckpointError, match=said):
            read_header(tmp_path / name)


@pytest.fixture(scope="module", params=[True, False], ids=["archive", "bare pickle"])
def whole(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "layer.pt"
    torch.save(published(2), path, _use_new_zipfile_serialization=request.param)
    return path


@given(share=st.floats(0, 1, exclude_max=True))
@settings(max_examples=40)
def test_a_file_that_is_cut_short_is_refused(whole, share):
    content, cut = whole.read_bytes(), whole.with_name("cut.pt")
    cut.write_bytes(content[: int(share * len(content))])
    with pytest.raises(CheckpointError):
        read_published(cut, sizes=SIZES)


@given(place=st.floats(0, 1, exclude_max=True), mask=st.integers(1, 255))
@settings(max_examples=80)
def test_a_damaged_file_is_refused_or_has_whole_weights(whole, place, mask):
    content, damaged = bytearray(whole.read_bytes()), whole.with_name("damaged.pt")
    content[int(place * len(content))] ^= mask
    damaged.write_bytes(content)
    try:
        read = read_published(damaged, sizes=SIZES)
    except CheckpointError:
        return
    assert all(tensor.isfinite().all() for tensor in read.values())
    assert {key: list(tensor.shape) for key, tensor in read.items()}["prompt.weight"] == [10, 11]


def test_our_own_file_of_a_projection_is_not_pinned_to_published_sizes(tmp_path):
    aligner = ProjectionAligner(dim=7, hidden=11, tokens=3, width=5, space="tiny")
    save_aligner(tmp_path / "own.safetensors", aligner, licence="CC0-1.0", run="none", half=False)
    embedding = Embedding(torch.randn(2, 7), "tiny")
    loaded = load_aligner(tmp_path / "own.safetensors", space="tiny", width=5)
    assert isinstance(loaded, ProjectionAligner)
    assert torch.equal(loaded.align(embedding).values, aligner.align(embedding).values)


def test_embeddings_of_other_widths_and_spaces_are_refused():
    aligner = ProjectionAligner(dim=7, hidden=11, tokens=3, width=5, space="tiny")
    with pytest.raises(CheckpointError, match="clip"):
        aligner.align(Embedding(torch.randn(2, 7), "clip"))
    with pytest.raises(CheckpointError, match="with 8 values; expected 7"):
        aligner.align(Embedding(torch.randn(2, 8), "tiny"))
