"""What the nodes do, without a host: the core's stages on one device."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from art2mus_core.pipelines import load
from art2mus_core.pipelines.stages import encode_sound
from art2mus_core.types import Artwork, Waveform


@pytest.fixture
def assembly(pack, host_folders):
    return pack("nodes.assembly")


@pytest.fixture
def installed(host_folders, checkpoint):
    """The checkpoint among the host's models; its name there."""
    folder = host_folders / "models" / "art2mus"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model").symlink_to(checkpoint, target_is_directory=True)
    return "model"


def artworks(pack, count=2):
    torch.manual_seed(0)
    pixels = [torch.randint(256, (3, 21, 34), dtype=torch.uint8) for _ in range(count)]
    return pixels, [pack("art2mus_core.types").Artwork(each) for each in pixels]


@pytest.mark.parametrize("shared", [False, True])
def test_the_nodes_make_what_the_pipeline_makes(pack, assembly, memory, installed, checkpoint, *, shared):
    pixels, pictures = artworks(pack)
    model, vae, language = assembly.load_parts(installed, memory=memory)
    hashes = [picture.sha256 for picture in pictures]
    encoded = assembly.encode_artworks(pictures, installed, hashes=hashes, memory=memory)
    positive, negative = assembly.align(encoded, language, "model", 1.0)
    settings = pack("art2mus_core.pipelines.settings").Settings(1.3, 3, 1.5, "ddim", shared, not shared, 0.4)
    with torch.inference_mode():
        audio, latent = assembly.compose(model, vae, positive, negative, settings=settings, seed=5, memory=memory)
    ours = load(str(checkpoint))
    chosen = {
        "seconds": 1.3,
        "steps": 3,
        "guidance": 1.5,
        "solver": "ddim",
        "shared_noise": shared,
        "level": not shared,
        "reprise": 0.4,
    }
    pieces = ours.compose([Artwork(each) for each in pixels], seeds=[5, 5], **chosen)
    assert audio["sample_rate"] == ours.parts.grid.sample_rate
    assert torch.equal(audio["waveform"], torch.cat([piece.samples for piece in pieces]))
    assert audio["art2mus"]["artworks"] == hashes
    assert audio["art2mus"]["seed"] == 5
    assert audio["art2mus"]["shared_noise"] is shared
    assert audio["art2mus"]["reprise"] == 0.4
    gains = audio["art2mus"].get("gains")
    assert gains == (None if shared else [piece.gain for piece in pieces])
    assert latent["samples"].shape == (2, *ours.parts.grid.latent_shape(1.3))


@pytest.fixture
def sampled(pack, assembly, memory, installed):
    """Two artworks' sides, and a function that samples a positive conditioning at guidance 0: pieces differ by noise alone."""
    model, vae, language = assembly.load_parts(installed, memory=memory)
    _, pictures = artworks(pack)
    hashes = [picture.sha256 for picture in pictures]
    encoded = assembly.encode_artworks(pictures, installed, hashes=hashes, memory=memory)
    [(language, options)], negative = assembly.align(encoded, language, "model", 1.0)
    settings = pack("art2mus_core.pipelines.settings").Settings(1.0, 2, 0.0, "ddim")

    def sides(*kept):
        picked = {name: part[list(kept)] for name, part in options.items() if torch.is_tensor(part)}
        provenance = options["art2mus"] | {"artworks": [hashes[index] for index in kept]}
        return [(language[list(kept)], options | picked | {"art2mus": provenance})]

    def sample(positive, **changed):
        chosen = replace(settings, **changed)
        with torch.inference_mode():
            return assembly.compose(
                model,
                vae,
                positive,
                [(negative[0][0][:1], _first(negative[0][1]))],
                settings=chosen,
                seed=5,
                memory=memory,
            )[0]

    return sides, sample


def _first(options):
    return {name: part[:1] if torch.is_tensor(part) else part for name, part in options.items()}


def averaged(to, other, weight):
    """As the host's ConditioningAverage: the options are those of the first conditioning."""
    return [(to[0][0] * weight + other[0][0] * (1 - weight), to[0][1])]


def same(one, other) -> bool:
    return torch.allclose(one["waveform"], other["waveform"], atol=1e-3)


def test_a_morph_has_one_noise_for_all_weights(sampled):
    sides, sample = sampled
    first, second = sides(0), sides(1)
    middle, most = (sample(averaged(first, second, weight)) for weight in (0.5, 0.1))
    assert same(middle, most)
    assert same(middle, sample(first))
    assert not same(middle, sample(second))
    assert same(sample(first, shared_noise=True), sample(second, shared_noise=True))


@pytest.mark.parametrize("guidance", [1.0, 2.0])
def test_one_artwork_averages_with_a_batch(sampled, guidance):
    """At each weight as with each artwork of the batch alone; the text states are the first input's."""
    sides, sample = sampled
    found = sample(averaged(sides(0), sides(0, 1), 0.25), guidance=guidance)["waveform"]
    assert len(found) == 2
    for index in range(2):
        alone = sample(averaged(sides(0), sides(index), 0.25), guidance=guidance)["waveform"]
        assert torch.allclose(found[index : index + 1], alone, atol=1e-3)
    both = sample(averaged(sides(0, 1), sides(1), 0.25), guidance=guidance)["waveform"]
    alone = sample(averaged(sides(0), sides(1), 0.25), guidance=guidance)["waveform"]
    assert torch.allclose(both[:1], alone, atol=1e-3)


def test_a_batch_has_the_noise_of_each_artwork(sampled):
    sides, sample = sampled
    both = sample(sides(0, 1))["waveform"]
    for index in range(2):
        assert torch.allclose(both[index : index + 1], sample(sides(index))["waveform"], atol=1e-3)


def test_artworks_repeat_if_a_conditioning_has_more_pieces(sampled):
    sides, sample = sampled
    [(language, options)] = sides(0, 1, 1)
    found = sample([(language, options | {"art2mus": sides(0)[0][1]["art2mus"]})])
    assert len(set(found["art2mus"]["artworks"])) == 1
    assert len(found["art2mus"]["artworks"]) == len(found["waveform"]) == 3
    assert torch.allclose(found["waveform"], sample(sides(0))["waveform"].expand(3, -1, -1), atol=1e-3)


def test_without_an_artwork_the_noise_is_that_of_the_seed(sampled):
    sides, sample = sampled
    [(language, options)] = sides(0)
    nothing = sample([(language, options | {"art2mus": {}})])
    assert nothing["art2mus"]["artworks"] == []
    assert same(nothing, sample(sides(0), shared_noise=True))


def test_a_sound_has_one_latent_everywhere(pack, assembly, memory, installed, checkpoint):
    """Through the node's VAE, the pipeline, and the stage that training calls; stereo, and no whole number of latent frames."""
    ours = load(str(checkpoint))
    grid = ours.parts.grid
    torch.manual_seed(3)
    samples = 0.2 * torch.randn(1, 2, 5 * grid.hop * grid.latent_factor + 77 + max(grid.windows))
    _, vae, _ = assembly.load_parts(installed, memory=memory)
    with torch.inference_mode():
        node = vae.encode(samples.movedim(1, -1)) * grid.latent_scale
        pipeline = ours.encode(Waveform(samples, grid.sample_rate)).values
        stage = encode_sound(ours.parts.autoencoder, Waveform(samples, grid.sample_rate), grid, resident=ours.resident)
        mono = ours.encode(Waveform(samples.mean(1, keepdim=True), grid.sample_rate)).values
        left = ours.encode(Waveform(samples[:, :1], grid.sample_rate)).values
    assert torch.allclose(node, pipeline, atol=1e-6)
    assert torch.equal(pipeline, stage.values)
    assert torch.equal(pipeline, mono) == (grid.channels == 1)
    assert not torch.allclose(pipeline, left, atol=1e-3)
    assert pipeline.shape[2] == -(-samples.shape[-1] // (grid.hop * grid.latent_factor))


def test_the_null_prompt_of_an_aligner_is_the_negative_side(pack, assembly, memory, host_folders, own_checkpoint):
    """In nodes and in the pipeline; the strength then blends towards it."""
    from art2mus_core.aligners.files import save_aligner
    from art2mus_core.aligners.visual import VisualAligner

    torch.manual_seed(0)
    aligner = VisualAligner(dim=7, hidden=13, tokens=4, width=10, space="tiny")
    aligner.add_null()
    torch.nn.init.normal_(aligner.null)
    save_aligner(own_checkpoint / "aligner" / "nothing.safetensors", aligner, licence="CC0-1.0", run="none", half=False)
    (host_folders / "models" / "art2mus").mkdir(parents=True)
    (host_folders / "models" / "art2mus" / "model").symlink_to(own_checkpoint, target_is_directory=True)
    pixels, pictures = artworks(pack)
    _, _, language = assembly.load_parts("model", memory=memory)
    hashes = [picture.sha256 for picture in pictures]
    encoded = assembly.encode_artworks(pictures, "model", hashes=hashes, memory=memory)
    with torch.inference_mode():
        positive, negative = assembly.align(encoded, language, "nothing", 1.0)
        weak, same = assembly.align(encoded, language, "nothing", 0.25)
    pipeline = load(str(own_checkpoint), aligner="nothing")
    ours = pipeline.condition(pipeline.embed([Artwork(each) for each in pixels]))
    for (made, _), wanted in zip((positive[0], negative[0]), ours, strict=True):
        assert torch.equal(made, wanted.language)
    assert torch.equal(same[0][0], negative[0][0])
    assert torch.allclose(weak[0][0], negative[0][0] + 0.25 * (positive[0][0] - negative[0][0]), atol=1e-5)
    constants = pipeline.parts.constants.unconditional_language
    assert not torch.allclose(negative[0][0], constants.expand_as(negative[0][0]), atol=0.1)
    assert torch.equal(negative[0][0][0], negative[0][0][1])
