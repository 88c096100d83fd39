"""The player on the nodes, in both of the front end's renderers."""

from __future__ import annotations

import itertools
import re

import pytest

from .canvas import small

pytestmark = pytest.mark.ui

SLIDER = ".art2mus-spectrogram"
TITLE = "stars turning over the ridge"


@pytest.fixture
def player(canvas):
    """The main graph after Run."""
    canvas.load(small())
    canvas.run()
    canvas.wait_for_players()
    return canvas


def value(canvas, name: str = "now") -> str:
    return canvas.page.get_attribute(SLIDER, f"aria-value{name}")


def rate(canvas) -> float:
    return canvas.page.evaluate("document.querySelector('.art2mus-player audio').playbackRate")


def rendered(canvas, part: str) -> bool:
    box = canvas.page.locator(part).bounding_box()
    return box["width"] > 0 and box["height"] > 0


def playhead(canvas) -> float:
    """Where it stands, from 0 to 1, as it is seen."""
    seen = """() => {
      const [head, all] = [".art2mus-playhead", ".art2mus-spectrogram"].map((name) =>
        document.querySelector(name).getBoundingClientRect());
      return (head.left - all.left) / all.width;
    }"""
    return canvas.page.evaluate(seen)


def test_the_piece_is_seen_once_and_played(player):
    assert player.page.locator("audio").count() == 1  # the host adds no second player
    assert player.sound()["duration"] == pytest.approx(3, abs=0.05)
    assert value(player, "max") == "3"
    player.page.focus(SLIDER)
    player.page.keyboard.press("Space")
    player.page.wait_for_function("() => document.querySelector('.art2mus-player audio').currentTime > 0.5")
    assert not player.sound()["paused"]
    assert playhead(player) > 0.1
    player.page.keyboard.press("Space")
    assert player.sound()["paused"]
    assert float(value(player)) == pytest.approx(player.sound()["currentTime"], abs=0.06)


@pytest.mark.parametrize(("motion", "fewest", "most"), [("no-preference", 8, 99), ("reduce", 0, 5)])
def test_the_playhead_is_calm_where_the_person_asks_for_it(player, motion, fewest, most):
    player.page.emulate_media(reduced_motion=motion)
    player.page.focus(SLIDER)
    player.page.keyboard.press("Space")
    moves = """() => new Promise((done) => {
      let count = 0;
      const watch = new MutationObserver((seen) => (count += seen.length));
      watch.observe(document.querySelector(".art2mus-playhead"), { attributes: true });
      setTimeout(() => { watch.disconnect(); done(count) }, 800);
    })"""
    count = player.page.evaluate(moves)
    player.page.keyboard.press("Space")
    player.page.emulate_media(reduced_motion="no-preference")
    assert fewest <= count <= most


def test_keys_seek_and_stay_inside(player):
    page = player.page
    page.evaluate("() => app.canvas.selectNode(app.graph.nodes.find((node) => node.type === 'Art2MusSaveAudio'))")
    places = "() => app.graph.nodes.map((node) => [...node.pos])"
    before = page.evaluate(places)
    page.evaluate("window.reached = []; addEventListener('keydown', ({ key }) => window.reached.push(key))")
    page.focus(SLIDER)
    for key, seconds in {"ArrowRight": 1, "ArrowUp": 2, "ArrowLeft": 1, "End": 3, "Home": 0, "ArrowDown": 0}.items():
        page.keyboard.press(key)
        assert player.sound()["currentTime"] == pytest.approx(seconds, abs=0.02), key
        assert value(player) == str(seconds)
        assert playhead(player) == pytest.approx(seconds / 3, abs=0.02)
    assert value(player, "text") == "0 of 3 seconds"
    page.keyboard.press("Space")
    page.keyboard.press("Space")
    page.keyboard.press("Shift")
    assert page.evaluate("window.reached") == ["Shift"]
    assert page.evaluate(places) == before
    assert page.evaluate("document.activeElement.className") == "art2mus-spectrogram"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_a_click_and_a_drag_seek(player):
    box = player.page.locator(SLIDER).bounding_box()
    middle = box["y"] + box["height"] / 2
    player.page.mouse.move(box["x"] + box["width"] / 3, middle)
    player.page.mouse.down()
    assert player.sound()["currentTime"] == pytest.approx(1, abs=0.05)
    player.page.mouse.move(box["x"] + box["width"] * 2 / 3, middle, steps=3)
    player.page.mouse.up()
    assert player.sound()["currentTime"] == pytest.approx(2, abs=0.05)
    assert playhead(player) == pytest.approx(2 / 3, abs=0.02)


@pytest.fixture
def batch(canvas):
    """Two pieces of one picture after Run."""
    canvas.load(small(seconds=1.0))
    canvas.page.evaluate("""() => {
      const find = (kind) => app.graph.nodes.find((node) => node.type === kind);
      const repeat = LiteGraph.createNode("RepeatImageBatch");
      app.graph.add(repeat);
      repeat.pos = [60, 1000];
      repeat.widgets[0].value = 2;
      find("Art2MusLoadArtwork").connect(0, repeat, 0);
      repeat.connect(0, find("Art2MusVisualConditioningExtractor"), 0);
    }""")
    canvas.run()
    canvas.wait_for_players()
    return canvas


def test_a_batch_is_stepped_through(batch):
    count, first = batch.page.locator(".art2mus-batch span"), batch.sound()["src"]
    assert count.inner_text() == "1 / 2"
    batch.page.click(".art2mus-batch button:last-child")
    batch.wait_for_players()
    assert count.inner_text() == "2 / 2"
    assert batch.sound()["src"] != first
    batch.page.click(".art2mus-batch button:first-child")
    assert (count.inner_text(), batch.sound()["src"]) == ("1 / 2", first)


def test_the_next_piece_follows_and_the_last_is_the_end(batch):
    count = batch.page.locator(".art2mus-batch span")
    batch.page.focus(SLIDER)
    batch.page.keyboard.press("Space")
    batch.page.wait_for_function("() => document.querySelector('.art2mus-batch span').textContent === '2 / 2'")
    ended = "() => document.querySelector('.art2mus-player audio').ended"
    batch.page.wait_for_function(f"() => ({ended})()", timeout=10_000)
    assert count.inner_text() == "2 / 2"


def test_a_repeated_piece_begins_again(batch):
    page = batch.page
    page.evaluate("""() => {
      const audio = document.querySelector(".art2mus-player audio");
      window.begun = 0;
      let before = 0;
      audio.addEventListener("timeupdate", () => {
        if (audio.currentTime < before) window.begun += 1;
        before = audio.currentTime;
      });
    }""")
    page.focus(SLIDER)
    page.keyboard.press("l")
    button = page.locator(".art2mus-controls > button")
    assert button.get_attribute("aria-pressed") == "true"
    page.keyboard.press("Space")
    page.wait_for_function("() => window.begun > 1", timeout=10_000)
    assert batch.page.locator(".art2mus-batch span").inner_text() == "1 / 2"
    button.click()
    assert button.get_attribute("aria-pressed") == "false"
    page.wait_for_function("() => document.querySelector('.art2mus-batch span').textContent === '2 / 2'")


def test_a_chosen_speed_stays_for_the_next_piece(batch):
    page = batch.page
    page.select_option(".art2mus-controls select", "0.5")
    assert rate(batch) == 0.5
    page.focus(SLIDER)
    page.keyboard.press("n")
    batch.wait_for_players()
    assert page.locator(".art2mus-batch span").inner_text() == "2 / 2"
    assert rate(batch) == 0.5
    for key, speed in {">": 0.75, "<": 0.5}.items():
        page.keyboard.press(key)
        assert (rate(batch), page.input_value(".art2mus-controls select")) == (speed, str(speed))
    page.keyboard.press("p")
    assert page.locator(".art2mus-batch span").inner_text() == "1 / 2"
    page.evaluate(
        "document.querySelector('.art2mus-player audio').playbackRate = 1.5"
    )  # as the element's own menu does
    page.wait_for_function("() => document.querySelector('.art2mus-controls select').value === '1.5'")


def test_its_keys_are_not_the_hosts(player):
    page = player.page
    page.evaluate("window.reached = []; addEventListener('keydown', ({ key }) => window.reached.push(key))")
    page.focus(SLIDER)
    for key in ("l", "n", "p", "<", ">", "Shift"):
        page.keyboard.press(key)
    assert set(page.evaluate("window.reached")) == {"Shift"}
    page.evaluate("document.querySelector('.art2mus-player audio').loop = false")


def test_piece_and_artwork_are_named(player):
    title = player.page.locator(".art2mus-title").inner_text()
    assert re.fullmatch(rf"music_\d+_\.flac · {TITLE}", title)
    assert rendered(player, ".art2mus-title")


def test_everything_fits_into_the_node(player):
    """Nothing of the player is cut off or lies over another part of it."""
    parts = [".art2mus-title", SLIDER, ".art2mus-player audio", ".art2mus-controls"]
    boxes = [player.page.locator(part).bounding_box() for part in parts]
    for above, below in itertools.pairwise(boxes):
        assert above["y"] + above["height"] <= below["y"] + 0.5
    outer = player.page.locator(".art2mus-player").bounding_box()
    assert boxes[-1]["y"] + boxes[-1]["height"] <= outer["y"] + outer["height"] + 0.5
    assert boxes[1]["height"] >= 60 * 0.75  # of the picture, at the scale of the canvas


def test_the_panel_of_parameters_shows_no_player(player):
    page = player.page
    page.evaluate("() => app.canvas.selectNode(app.graph.nodes.find((node) => node.type === 'Art2MusSaveAudio'))")
    player.set("Comfy.RightSidePanel.IsOpen", True)
    panel = page.locator("[data-testid=properties-panel]")
    panel.get_by_text("format").first.wait_for(timeout=15_000)
    assert "audioUI" not in panel.inner_text()
    player.set("Comfy.RightSidePanel.IsOpen", False)


def test_playing_one_pauses_the_other(canvas):
    canvas.load(small())
    canvas.page.evaluate("""() => {
      const [sampler, saver] = ["Art2MusSampler", "Art2MusSaveAudio"].map((kind) =>
        app.graph.nodes.find((node) => node.type === kind));
      const second = saver.clone();
      app.graph.add(second);
      second.pos = [saver.pos[0] - 360, saver.pos[1] + 60];
      sampler.connect(0, second, 0);
    }""")
    canvas.run()
    canvas.wait_for_players(2)
    for index in (0, 1):
        canvas.page.locator(SLIDER).nth(index).focus()
        canvas.page.keyboard.press("Space")
        canvas.page.wait_for_timeout(300)
        assert [canvas.sound(each)["paused"] for each in (0, 1)] == [index != 0, index != 1]


def test_another_tab_and_back(player):
    """The host brings the outputs back; pieces of a graph that left the canvas fall silent."""
    player.page.evaluate("window.left = document.querySelector('.art2mus-player audio'); window.left.play()")
    shown = player.sound()["src"].split("&rand")[0]
    player.load(small())
    assert player.page.evaluate("window.left.paused")
    assert player.sound()["src"] == ""
    player.back()
    player.wait_for_players()
    assert player.sound()["src"].split("&rand")[0] == shown


def test_inside_a_subgraph_and_on_its_outer_node(canvas):
    """At once, and when the host brings the outputs back."""
    canvas.load(small())
    canvas.page.evaluate("""() => {
      const saver = app.graph.nodes.find((node) => node.type === "Art2MusSaveAudio");
      app.graph.convertToSubgraph(new Set([saver]));
    }""")
    enter = """() => {
      const outer = app.graph.nodes.find((node) => node.subgraph);
      app.canvas.openSubgraph(outer.subgraph, outer);
    }"""
    canvas.run()
    canvas.wait_for_players()  # on the outer node
    assert canvas.sound()["duration"] == pytest.approx(3, abs=0.05)
    canvas.page.evaluate(enter)
    canvas.look(0.75, (-600, 0))
    canvas.wait_for_players()
    canvas.page.evaluate("app.canvas.setGraph(app.graph)")
    canvas.load(small())
    canvas.back()
    canvas.look()
    canvas.wait_for_players()
    canvas.page.evaluate(enter)
    canvas.look(0.75, (-600, 0))
    canvas.wait_for_players()
    canvas.page.evaluate("app.canvas.setGraph(app.graph)")


def test_after_a_reload_the_last_music_is_there_and_nowhere_else(player):
    """In the graph that the page brings back; the same graph opened anew begins without music, and runs again."""
    shown = player.sound()["src"].split("&rand")[0]
    player.page.reload()
    player.wait_until_ready()
    player.wait_for_players()
    player.look()
    assert player.sound()["src"].split("&rand")[0] == shown
    assert TITLE in player.page.locator(".art2mus-title").inner_text()
    player.load(small())
    player.page.wait_for_timeout(500)
    assert player.sound()["src"] == ""
    player.run()
    player.wait_for_players()


def test_outputs_without_a_picture_get_the_bare_player(canvas):
    canvas.load(small())
    canvas.page.evaluate("""() => app.graph.nodes.find((node) => node.type === "Art2MusSaveAudio")
      .onExecuted({ audio: [{ filename: "none.flac", subfolder: "", type: "output" }] })""")
    assert canvas.page.locator(".art2mus-player audio").is_visible()
    assert not canvas.page.locator(SLIDER).is_visible()
    canvas.complaints.clear()  # there is no such file
