from __future__ import annotations

import shutil

import numpy as np
import pytest
from PIL import Image

from art2mus_core.audio.files import write_audio
from art2mus_core.audio.reading import read_audio
from art2mus_core.errors import AudioError, OutputError
from art2mus_core.evaluation.embedders import open_classifier, open_embedder
from art2mus_core.evaluation.embedders.features import FeatureCache
from art2mus_core.images.reading import read_artwork


@pytest.fixture(scope="module")
def pocket(pocket_like):
    return open_embedder(f"pocket:{pocket_like}")


@pytest.fixture
def cache(tmp_path):
    return FeatureCache(tmp_path / "features")


@pytest.fixture
def pieces(tmp_path, sound):
    """A short one, a long one in stereo at another rate, and the first again under another name."""
    folder = tmp_path / "pieces"
    folder.mkdir()
    for name, music in (("a.flac", sound(2)), ("b.wav", sound(11.5, 22050, 2, seed=1))):
        write_audio(folder / name, music, tags={}, cover=None)
    shutil.copy(folder / "a.flac", folder / "c.flac")
    return sorted(folder.iterdir())


def heard(cache, embedder, paths):
    return [cache.sound(embedder, path, read_audio(path)) for path in paths]


def test_every_file_has_its_rows(pocket, cache, pieces):
    rows = heard(cache, pocket, pieces)
    assert [len(each) for each in rows] == [1, 2, 1]
    for path, each in zip(pieces, rows, strict=True):
        assert np.array_equal(each, pocket.embed_sound(read_audio(path)))


def test_what_was_heard_is_not_heard_again(pocket, cache, pieces, tmp_path):
    fresh = heard(cache, pocket, pieces)
    kept = sorted((tmp_path / "features" / pocket.space).iterdir())
    assert len(kept) == 2  # the third is the first
    for path in kept:
        np.save(path, np.load(path) + 1)
    for before, after in zip(fresh, heard(FeatureCache(cache.folder), pocket, pieces), strict=True):
        np.testing.assert_allclose(after, before + 1)


@pytest.mark.parametrize("kept", [b"", b"\x93NUMPY", b"PK\x03\x04", "header", "float32", "flat", "nan", "none", "cut"])
def test_what_was_kept_badly_is_heard_again(pocket, cache, pieces, kept):
    fresh = heard(cache, pocket, pieces[:1])[0]
    (path,) = (cache.folder / pocket.space).iterdir()
    other = {"float32": fresh.astype("f4"), "flat": fresh[0], "nan": fresh * np.nan, "none": fresh[:0]}
    if kept == "cut":
        path.write_bytes(path.read_bytes()[:-9])
    elif kept == "header":
        path.write_bytes(path.read_bytes().replace(b"}", b" "))
    elif isinstance(kept, bytes):
        path.write_bytes(kept)
    else:
        np.save(path, other[kept])
    assert np.array_equal(heard(cache, pocket, pieces[:1])[0], fresh)
    assert np.array_equal(np.load(path), fresh)


def test_artworks_are_kept_by_their_pixels(pocket, cache, paintings):
    paths = sorted(paintings.iterdir())
    rows = np.stack([cache.artwork(pocket, read_artwork(path)) for path in paths])
    assert np.array_equal(rows, np.concatenate([pocket.embed_artworks([read_artwork(path)]) for path in paths]))
    names = {path.name for path in (cache.folder / pocket.space).iterdir()}
    assert names == {f"artwork-{read_artwork(path).sha256}.npy" for path in paths}
    Image.open(paths[0]).save(paintings / "again.bmp")  # other bytes, the same pixels
    np.testing.assert_array_equal(cache.artwork(pocket, read_artwork(paintings / "again.bmp")), rows[0])
    assert len(list((cache.folder / pocket.space).iterdir())) == 3


def test_probabilities_and_texts_are_kept_too(cache, pieces, ast_folder, clap_folder):
    tagger, clap = open_classifier(f"ast-audioset:{ast_folder}"), open_embedder(f"clap:{clap_folder}")
    short = [pieces[0], pieces[2]]
    named = [cache.probability(tagger, path, read_audio(path)) for path in short]
    probabilities = np.stack(named)
    assert probabilities.shape == (2, 5)
    np.testing.assert_allclose(probabilities.sum(1), 1)
    assert np.array_equal(cache.probability(tagger, short[0], read_audio(short[0])), probabilities[0])
    texts = ["Music of this place", "Low quality."]
    kept = np.stack([cache.text(clap, text) for text in texts])
    np.testing.assert_allclose(kept, clap.embed_texts(texts), atol=1e-6)
    names = {path.name.split("-")[0] for path in cache.folder.rglob("*.npy")}
    assert names == {"sound", "text"}


def test_one_embedders_rows_are_not_anothers(pocket, cache, pieces, clap_folder):
    clap = open_embedder(f"clap:{clap_folder}")
    assert heard(cache, pocket, pieces[:1])[0].shape == (1, 7)
    assert heard(cache, clap, pieces[:1])[0].shape == (2, 11)


def test_what_cannot_be_heard_is_refused_and_not_kept(pocket, cache, pieces):
    short = read_audio(pieces[0]).cut(0.1)
    with pytest.raises(AudioError, match=r"at least 1\.6 s"):
        cache.sound(pocket, pieces[0], short)
    assert not list(cache.folder.rglob("*.npy"))


def test_a_place_that_cannot_be_written_to_is_told(pocket, pieces, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be created"):
        heard(FeatureCache(tmp_path / "file"), pocket, pieces)
