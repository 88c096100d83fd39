from __future__ import annotations

import pytest
import torch
from PIL import Image


@pytest.fixture
def packing(pack):
    return pack("nodes.packing")


def test_an_artwork_keeps_its_identity_through_the_hosts_image(pack, packing):
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (3, 5, 7), dtype=torch.uint8, generator=generator)
    artwork = pack("art2mus_core.types").Artwork(pixels)
    image = packing.pack_artwork(artwork)
    assert image.shape == (1, 5, 7, 3)
    assert 0 <= image.min() < image.max() <= 1
    assert packing.unpack_artworks(image)[0].sha256 == artwork.sha256


def test_a_batch_with_alpha_becomes_artworks(packing):
    artworks = packing.unpack_artworks(torch.tensor([0.0, 0.5, 1.0, 0.25]).expand(2, 3, 5, 4))
    assert [artwork.pixels[:, 2, 4].tolist() for artwork in artworks] == [[0, 128, 255]] * 2


def test_mask_is_what_is_transparent(pack, packing, tmp_path):
    picture = Image.new("RGBA", (7, 5), (10, 20, 30, 255))
    picture.putpixel((6, 0), (0, 0, 0, 0))
    picture.save(tmp_path / "a.png")
    artwork = pack("art2mus_core.images.reading").read_artwork(tmp_path / "a.png")
    mask = packing.pack_mask(tmp_path / "a.png", artwork)
    assert mask.shape == (1, 5, 7)
    assert mask[0, 0, 6] == 1
    assert mask.sum() == 1
    Image.new("RGB", (7, 5)).save(tmp_path / "b.png")
    artwork = pack("art2mus_core.images.reading").read_artwork(tmp_path / "b.png")
    assert not packing.pack_mask(tmp_path / "b.png", artwork).any()


def test_the_mask_turns_with_the_picture(packing, tmp_path):
    picture = Image.new("RGBA", (7, 5), (10, 20, 30, 255))
    picture.putpixel((6, 0), (0, 0, 0, 0))
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn to the right
    picture.save(tmp_path / "a.png", exif=exif)
    image, mask, _ = packing.pack_file(tmp_path / "a.png")
    assert image.shape == (1, 7, 5, 3)
    assert mask.nonzero().tolist() == [[0, 6, 4]]
    assert image[0, 6, 4].tolist() == [1, 1, 1]


def test_what_a_picture_takes_is_known_before_it_is_read(packing, tmp_path):
    for name, mode, size in (
        ("opaque.jpg", "RGB", (70, 50)),
        ("clear.png", "RGBA", (70, 50)),
        ("huge.png", "L", (8192, 2)),
    ):
        Image.new(mode, size).save(tmp_path / name)
        image, mask, _ = packing.pack_file(tmp_path / name)
        untouched = 0 if mask.any() else mask.nbytes  # zeros that nobody wrote
        held = image.nbytes + mask.nbytes - untouched
        assert packing.packed_bytes(tmp_path / name) == pytest.approx(held, abs=4)
    (tmp_path / "cut.png").write_bytes(b"\x89PNG")
    assert packing.packed_bytes(tmp_path / "cut.png") == 0


def test_the_size_of_a_scan_is_limited_by_reading_alone(packing, tmp_path, monkeypatch):
    Image.new("RGBA", (40, 30), (0, 0, 0, 0)).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    assert packing.pack_file(tmp_path / "a.png")[1].all()
    assert packing.packed_bytes(tmp_path / "a.png") == 40 * 30 * 16


def test_masked_parts_say_nothing(packing):
    image = torch.zeros(1, 4, 6, 3)
    image[:, :, :3] = torch.tensor([0.2, 0.4, 0.6])
    image[:, :, 3:] = 1.0
    mask = torch.zeros(1, 4, 6)
    mask[:, :, 3:] = 1
    assert torch.allclose(packing.without_masked(image, mask), torch.tensor([0.2, 0.4, 0.6]).expand(1, 4, 6, 3))
    assert packing.without_masked(image, torch.zeros(1, 64, 64)) is image
    assert packing.without_masked(image, None) is image


@pytest.mark.parametrize(("pictures", "masks"), [(3, 2), (2, 3), (3, 1), (1, 1)])
def test_masks_of_another_number_go_round_as_the_hosts_do(packing, pictures, masks):
    """What comfy.utils.repeat_to_batch_size gives: the first masks again, or the first masks alone."""
    image = torch.rand(pictures, 4, 6, 3)
    mask = torch.zeros(masks, 4, 6)
    for number in range(masks):
        mask[number, :, : number + 1] = 1
    repeated = mask.repeat(pictures, 1, 1)[:pictures]
    found = packing.without_masked(image, mask)
    for number in range(pictures):
        (alone,) = packing.without_masked(image[number : number + 1], repeated[number : number + 1])
        assert torch.equal(found[number], alone)
        assert not torch.equal(alone, image[number])


@pytest.mark.parametrize("shape", [(4, 6), (1, 1, 4, 6)])
def test_a_mask_of_any_number_of_dimensions_is_one(packing, shape):
    image, mask = torch.rand(2, 4, 6, 3), torch.zeros(1, 4, 6)
    mask[:, 2:] = 1
    assert torch.equal(packing.without_masked(image, mask.reshape(shape)), packing.without_masked(image, mask))


def test_inverted_the_mask_says_what_is_used(packing):
    image, mask = torch.rand(1, 4, 6, 3), torch.zeros(1, 4, 6)
    mask[:, :, 2:] = 1
    used = packing.without_masked(image, mask, invert=True)
    assert torch.equal(used, packing.without_masked(image, 1 - mask))
    assert torch.equal(used[:, :, 2:], image[:, :, 2:])
    assert not torch.equal(used, packing.without_masked(image, mask))


@pytest.mark.parametrize(("white", "invert"), [(1.0, False), (0.999, False), (0.0, True)])
def test_a_mask_that_leaves_nothing_is_told(pack, packing, white, invert):
    mask = torch.full((2, 5, 5), white)
    mask[0, :2] = 1 - white
    said = "marks nothing of picture 2" if invert else "covers everything of picture 2"
    with pytest.raises(pack("art2mus_core.errors").ArtworkError, match=said):
        packing.without_masked(torch.rand(2, 4, 6, 3), mask, invert=invert)


def test_audio_travels_with_its_provenance(pack, packing):
    waveform = pack("art2mus_core.types").Waveform(torch.rand(2, 1, 11), 16000)
    audio = packing.pack_audio(waveform, {"seed": 5})
    assert set(audio) == {"waveform", "sample_rate", "art2mus"}
    pieces, known = packing.unpack_audio(audio)
    assert [piece.samples.shape for piece in pieces] == [(1, 1, 11)] * 2
    assert known == {"seed": 5}
    assert packing.unpack_audio({"waveform": torch.rand(1, 2, 9), "sample_rate": 44100})[1] == {}


def test_a_silent_video_is_named_as_such(pack, packing):
    with pytest.raises(pack("art2mus_core.errors").AudioError, match="sound track"):
        packing.unpack_audio(None)
