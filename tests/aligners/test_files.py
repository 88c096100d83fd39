from __future__ import annotations

from pathlib import Path

import pytest
import torch

import art2mus_core
from art2mus_core.aligners.files import AlignerHeader, find_aligner, load_aligner, read_header, save_aligner
from art2mus_core.aligners.projection import ProjectionAligner
from art2mus_core.aligners.resampler import ResamplerAligner
from art2mus_core.aligners.visual import VisualAligner
from art2mus_core.checkpoints.folder import save_tensors
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


WITH = {"encoder": "imagebind", "prior": "audioldm2", "language": "0123456789ab"}


def test_the_header_says_what_it_is(tmp_path, aligner):
    save_aligner(tmp_path / "x.safetensors", aligner, licence="CC0-1.0", run="run 7", half=True, **WITH)
    assert read_header(tmp_path / "x.safetensors") == AlignerHeader(
        kind="visual", space="tiny", tokens=3, width=5, licence="CC0-1.0", run="run 7", **WITH
    )


def test_the_header_of_an_older_file_names_its_space_as_encoder(tmp_path, aligner):
    older = {"kind": "visual", "space": "tiny", "tokens": "3", "width": "5"}
    save_tensors(tmp_path / "x.safetensors", aligner.state_dict(), metadata=older)
    assert read_header(tmp_path / "x.safetensors") == AlignerHeader("visual", "tiny", 3, 5, "tiny")
    load_aligner(tmp_path / "x.safetensors", space="tiny", width=5, language="ba9876543210")


ALIGNERS = {
    "embedding": VisualAligner(dim=7, hidden=6, tokens=3, width=5, space="tiny"),
    "patches": VisualAligner(patch_dim=9, hidden=6, heads=2, tokens=3, width=5, space="tiny"),
    "both": VisualAligner(dim=7, patch_dim=9, hidden=6, heads=3, tokens=3, width=5, space="tiny"),
    "projection": ProjectionAligner(dim=7, hidden=6, tokens=3, width=5, space="tiny"),
    "resampler": ResamplerAligner(patch_dim=9, hidden=6, heads=2, depth=2, tokens=3, width=5, space="tiny"),
}


@pytest.mark.parametrize("aligner", ALIGNERS.values(), ids=ALIGNERS)
@pytest.mark.parametrize("half", [False, True])
def test_every_aligner_comes_back_ready_to_run(tmp_path, aligner, half):
    save_aligner(tmp_path / "x.safetensors", aligner, licence="CC0-1.0", run="none", half=half)
    loaded = load_aligner(tmp_path / "x.safetensors", space="tiny", width=5)
    seen = Embedding(torch.randn(2, 7), "tiny", torch.randn(2, 11, 9))
    assert type(loaded) is type(aligner)
    assert not loaded.training
    assert not any(weight.requires_grad or weight.dtype != torch.float32 for weight in loaded.parameters())
    assert torch.allclose(loaded.align(seen).values, aligner.align(seen).values, atol=5e-3 if half else 0)


REFUSED = {
    "encoder": ({"space": "clip"}, "encoder imagebind with the space 'tiny'.*Choose the encoder imagebind, or"),
    "width": ({"width": 6}, "language model of audioldm2, which is 5 wide.*Choose audioldm2, or"),
    "language": (
        {"language": "ba9876543210"},
        "audioldm2 with the fingerprint 0123456789ab.*ba9876543210.*Choose audio",
    ),
}


@pytest.mark.parametrize(("other", "said"), REFUSED.values(), ids=REFUSED)
def test_an_aligner_for_another_model_is_refused(tmp_path, aligner, other, said):
    fitting = {"space": "tiny", "width": 5, "language": WITH["language"]}
    save_aligner(tmp_path / "x.safetensors", aligner, licence="CC0-1.0", run="none", half=False, **WITH)
    load_aligner(tmp_path / "x.safetensors", **fitting)
    with pytest.raises(CheckpointError, match=f"{said}.*that was trained for"):
        load_aligner(tmp_path / "x.safetensors", **{**fitting, **other})


def test_an_aligner_that_says_nothing_of_its_prior_is_refused_all_the_same(path):
    with pytest.raises(
        CheckpointError, match=r"language model of another model, which is 5 wide.*Choose that model, or"
    ):
        load_aligner(path, space="tiny", width=6)


def test_an_embedding_of_another_space_is_refused(aligner):
    with pytest.raises(CheckpointError, match="clip"):
        aligner.align(Embedding(torch.randn(2, 7), "clip"))


HEADERS = {
    "none": {},
    "another kind": {"kind": "gated_fusion", "space": "tiny", "tokens": "3", "width": "5"},
    "no space": {"kind": "visual", "tokens": "3", "width": "5"},
    "no tokens": {"kind": "visual", "space": "tiny", "width": "5"},
    "tokens that are no number": {"kind": "visual", "space": "tiny", "tokens": "three", "width": "5"},
    "fewer than one": {"kind": "visual", "space": "tiny", "tokens": "0", "width": "5"},
    "a negative width": {"kind": "visual", "space": "tiny", "tokens": "3", "width": "-5"},
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_headers_of_no_aligner_are_refused(tmp_path, aligner, header):
    save_tensors(tmp_path / "x.safetensors", aligner.state_dict(), metadata=header)
    with pytest.raises(CheckpointError, match="kind visual or projection or resampler, with space, tokens and width"):
        read_header(tmp_path / "x.safetensors")


WEIGHTS = {
    "of something else": (ALIGNERS["embedding"], {"x": torch.ones(2)}, "lacks 'hidden.weight'"),
    "fewer": (
        ALIGNERS["both"],
        {key: value for key, value in ALIGNERS["both"].state_dict().items() if key != "patches.keys.weight"},
        "lacks 'patches.keys.weight'",
    ),
    "more": (ALIGNERS["projection"], {**ALIGNERS["projection"].state_dict(), "x": torch.ones(2)}, "unexpected x"),
    "of other tokens": (
        ALIGNERS["patches"],
        {**ALIGNERS["patches"].state_dict(), "patches.queries": torch.ones(2, 4, 3)},
        "queries of",
    ),
    "of other dimensions": (ALIGNERS["projection"], {"hidden.weight": torch.ones(2)}, "impossible shapes"),
    "without heads": (
        ALIGNERS["patches"],
        {**ALIGNERS["patches"].state_dict(), "patches.queries": torch.ones(0, 3, 3)},
        "impossible shapes",
    ),
    "not finite": (
        ALIGNERS["projection"],
        {**ALIGNERS["projection"].state_dict(), "prompt.bias": torch.full([15], torch.nan)},
        "not finite in prompt.bias",
    ),
}


@pytest.mark.parametrize(("aligner", "weights", "said"), WEIGHTS.values(), ids=WEIGHTS)
def test_a_header_with_other_weights_is_refused(tmp_path, aligner, weights, said):
    header = {"kind": aligner.kind, "space": "tiny", "tokens": "3", "width": "5"}
    save_tensors(tmp_path / "x.safetensors", weights, metadata=header)
    with pytest.raises(CheckpointError, match=said):
        load_aligner(tmp_path / "x.safetensors", space="tiny", width=5)


def test_damaged_and_missing_files_are_refused(tmp_path, path):
    contents = {
        "empty": b"",
        "damaged": path.read_bytes()[:-7],
        "web page": b"<html></html>" * 9,
        "pickle": b"\x80\x02.",
    }
    for said, content in contents.items():
        (tmp_path / "x.safetensors").write_bytes(content)
        with pytest.raises(CheckpointError, match=said):
            read_header(tmp_path / "x.safetensors")
    with pytest.raises(CheckpointError, match="is missing"):
        load_aligner(tmp_path / "absent.safetensors", space="tiny", width=5)


SHAPES = {"1.weight": (1536, 1024), "1.bias": (1536,), "2.weight": (3072, 1536), "2.bias": (3072,)}


@pytest.fixture
def published(tmp_path, monkeypatch):
    """The file of a fetched projection, in a home of its own."""
    path = tmp_path / "home" / "art2mus-2024-4" / "art2mus_4_img_proj_layer.pt"
    path.parent.mkdir(parents=True)
    state = {f"projection{key}": torch.zeros(shape, dtype=torch.float16) for key, shape in SHAPES.items()}
    torch.save(state, path)
    monkeypatch.setenv("ART2MUS_HOME", str(tmp_path / "home"))
    return path


@pytest.mark.parametrize("suffix", [".pth", ".bin", ".PT", ""])
def test_a_published_file_is_known_whatever_it_is_called(tmp_path, published, suffix):
    path = published.rename(tmp_path / f"x{suffix}")
    assert read_header(path).tokens == 4
    assert load_aligner(path, space="imagebind", width=768).tokens == 4


@pytest.mark.parametrize("suffix", [".pth", ".pt", ".bin", ""])
def test_an_aligner_of_ours_is_known_whatever_it_is_called(tmp_path, path, suffix):
    assert load_aligner(path.rename(tmp_path / f"x{suffix}"), space="tiny", width=5).tokens == 3


@pytest.mark.parametrize("suffix", [".pth", ".bin"])
@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "is empty"), (b"PK", "is damaged"), (b"<html>", "web page"), (b"x", "is not a file of weights")],
)
def test_what_is_left_of_a_published_file_is_told_as_such(tmp_path, suffix, content, said):
    (tmp_path / f"x{suffix}").write_bytes(content)
    with pytest.raises(CheckpointError, match=f"{said}.*expected an image projection of Art2Mus 2024.*authors"):
        read_header(tmp_path / f"x{suffix}")


@pytest.mark.parametrize("prior", [None, "audioldm2", "mine", "imagebind"])
def test_a_published_file_is_for_its_model_or_one_of_the_persons_own(published, prior):
    load_aligner(published, space="imagebind", width=768, language="0123456789ab", prior=prior)


@pytest.mark.parametrize("prior", ["audioldm2-music", "audioldm2-large", "pocket"])
def test_a_published_file_is_refused_for_another_model_of_its_width(published, prior):
    with pytest.raises(
        CheckpointError, match=f"trained for .* audioldm2; expected .* for that of {prior}.*Choose audioldm2, or"
    ):
        load_aligner(published, space="imagebind", width=768, prior=prior)


def test_a_fingerprint_says_more_than_a_name(tmp_path, aligner):
    save_aligner(tmp_path / "x.safetensors", aligner, licence="CC0-1.0", run="none", half=False, **WITH)
    load_aligner(tmp_path / "x.safetensors", space="tiny", width=5, language=WITH["language"], prior="audioldm2-music")


def test_an_aligner_can_be_written_anew_while_it_is_held(path, aligner):
    held = load_aligner(path, space="tiny", width=5)
    with path.open("r+b") as file:
        file.write(bytes(path.stat().st_size))
    assert torch.equal(held.hidden.weight, aligner.hidden.weight)
    assert held.hidden.weight.any()


@pytest.fixture
def models(tmp_path, monkeypatch, path):
    """A home with an aligner in a folder of its own, two in one, one in none, an encoder, a damaged file, a checkpoint."""
    home = tmp_path / "home"
    for place in ("mine/mine", "stray", "two/one", "two/other", "clip/model", "damaged/model", "prior/aligner/model"):
        (home / place).parent.mkdir(parents=True, exist_ok=True)
        (home / f"{place}.safetensors").write_bytes(path.read_bytes())
    save_tensors(home / "clip" / "model.safetensors", {"text_model.embeddings": torch.ones(2)})
    (home / "damaged" / "model.safetensors").write_bytes(b"PK")
    (home / "mine" / "README.md").write_text("of mine")
    monkeypatch.setenv("ART2MUS_HOME", str(home))
    return home


def test_aligners_are_found_by_name_or_path(tmp_path, path, models):
    assert find_aligner(tmp_path, "model") == path
    assert find_aligner(tmp_path / "elsewhere", str(path)) == path
    assert find_aligner(tmp_path, "mine") == models / "mine" / "mine.safetensors"
    assert find_aligner(tmp_path, str(models / "mine")) == models / "mine" / "mine.safetensors"


def test_the_checkpoints_own_aligner_comes_first(tmp_path, path, models):
    own = path.with_name("mine.safetensors")
    own.write_bytes(path.read_bytes())
    assert find_aligner(tmp_path, "mine") == own


def test_a_folder_with_a_networks_configuration_is_no_aligner(tmp_path, models):
    (models / "mine" / "config.json").write_text("{}")
    for name in ("mine", str(models / "mine")):
        with pytest.raises(SettingError, match="one of: none installed"):
            find_aligner(tmp_path / "elsewhere", name)


@pytest.mark.parametrize("name", ["shuffled", "two", "stray", "prior", "", "~nosuch/a", "n" * 300, "a\0b"], ids=ascii)
def test_a_name_that_is_not_found_is_answered_with_those_that_are(tmp_path, path, models, name):
    with pytest.raises(SettingError, match=r"one of: model, mine\. "):
        find_aligner(tmp_path, name)


def test_without_any_aligner_the_error_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("ART2MUS_HOME", str(tmp_path / "absent"))
    with pytest.raises(SettingError, match="by name: none installed"):
        find_aligner(tmp_path, "model")


def test_the_fetched_projection_is_found_by_its_name(tmp_path, published):
    assert find_aligner(tmp_path / "audioldm2", "art2mus-2024-4") == published
    with pytest.raises(SettingError, match="by name: art2mus-2024-4"):
        find_aligner(tmp_path / "audioldm2", "model")


def test_a_projection_that_is_not_fetched_is_told_with_what_fetches_it(tmp_path, published):
    with pytest.raises(SettingError, match=r"no aligner 'art2mus-2024' .*Run `art2mus fetch art2mus-2024`"):
        find_aligner(tmp_path / "audioldm2", "art2mus-2024")


def test_the_bundled_aligner_says_what_it_was_trained_with():
    from art2mus_core.conditioning.language import fingerprint

    folder = Path(art2mus_core.__file__).parent / "pocket"
    header = read_header(find_aligner(folder, "model"))
    assert header == AlignerHeader(
        "visual", "pocket", 4, 128, "pocket", "pocket", fingerprint(folder), "CC0-1.0", "true pairs"
    )


def test_a_prior_without_an_aligner_names_those_that_were_made_for_it(tmp_path, monkeypatch):
    monkeypatch.setenv("ART2MUS_HOME", str(tmp_path))
    with pytest.raises(SettingError, match=r"audioldm2 has no aligner of its own.*`art2mus fetch art2mus-2024`"):
        find_aligner(tmp_path / "audioldm2", "model")
    with pytest.raises(SettingError, match=r"mine has no aligner of its own.*trained for this model"):
        find_aligner(tmp_path / "mine", "model")
