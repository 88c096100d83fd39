import { Controls } from "./controls.js";
import { Spectrogram } from "./spectrogram.js";

/**
 * A piece as the player needs it: addresses, its names and the length in seconds.
 * @typedef {{audio: string, spectrogram?: string, seconds?: number, name?: string, artwork?: string}} Piece
 */

/** The host's shortcuts use some of these keys too; inside the player they are the player's. */
const KEYS = new Set([" ", "Enter", "Home", "End", "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"]);

const CALM = matchMedia("(prefers-reduced-motion: reduce)");

/** @type {HTMLAudioElement | undefined} what is heard: one piece at a time on the whole canvas */
let heard;

const part = (/** @type {string} */ tag, /** @type {object} */ values) =>
  Object.assign(document.createElement(tag), values);

/** Names, spectrogram, audio element and controls of a batch of pieces. `element` goes on the node. */
export class Player {
  /** @type {Piece[]} */
  pieces = [];
  index = 0;

  /** @param {import("./words.js").Words} words */
  constructor(words) {
    this.waiting = part("p", { className: "art2mus-waiting", textContent: words.waiting });
    this.title = part("p", { className: "art2mus-title", hidden: true });
    this.audio = /** @type {HTMLAudioElement} */ (part("audio", { controls: true, preload: "metadata", hidden: true }));
    this.spectrogram = new Spectrogram(words, {
      seek: (seconds) => this.#seek(seconds),
      toggle: () => (this.audio.paused ? this.#play() : this.audio.pause()),
    });
    this.controls = new Controls(words, this.audio, (by) => this.#turn(by));
    this.element = part("div", { className: "art2mus-player" });
    this.element.append(this.waiting, this.title, this.spectrogram.element, this.audio, this.controls.element);
    this.element.addEventListener("keydown", (event) => this.#press(event));
    for (const kind of ["timeupdate", "seeking", "loadedmetadata", "ended"])
      this.audio.addEventListener(kind, () => this.#follow());
    this.audio.addEventListener("play", () => this.#start());
    this.audio.addEventListener("ended", () => this.#goOn());
    // Chromium fits its controls into what is on the screen, and only when it lays them out: a moving canvas does not.
    new IntersectionObserver(
      (seen) => this.audio.classList.toggle("art2mus-whole", seen.at(-1).intersectionRatio > 0.98),
      { threshold: 0.98 },
    ).observe(this.audio);
  }

  /** @param {Piece[]} pieces of one run */
  show(pieces) {
    this.pieces = pieces;
    this.waiting.hidden = true;
    this.audio.hidden = false;
    this.#open(0);
  }

  get #length() {
    return Number.isFinite(this.audio.duration) ? this.audio.duration : this.pieces[this.index]?.seconds ?? 0;
  }

  /** @param {number} index */
  #open(index) {
    this.index = index;
    const { audio, spectrogram, name, artwork } = this.pieces[index];
    this.audio.src = audio;
    this.spectrogram.load(spectrogram);
    this.title.textContent = this.title.title = [name, artwork].filter(Boolean).join(" · ");
    this.title.hidden = !this.title.textContent;
    this.controls.count(index, this.pieces.length);
    this.#follow();
  }

  /** @param {number} by pieces forward or back; the last is followed by the first */
  #turn(by) {
    if (this.pieces.length < 2) return;
    const playing = !this.audio.paused;
    this.#open((this.index + by + this.pieces.length) % this.pieces.length);
    if (playing) this.#play();
  }

  /** The next piece of the batch plays when one has ended; a repeated one does not end. */
  #goOn() {
    if (this.index + 1 >= this.pieces.length) return;
    this.#open(this.index + 1);
    this.#play();
  }

  /** @param {number} seconds */
  #seek(seconds) {
    this.audio.currentTime = seconds;
    this.#follow();
  }

  #play() {
    this.audio.play().catch(() => {}); // the audio element itself shows that it does not play
  }

  #follow() {
    this.spectrogram.move(this.audio.currentTime, this.#length);
  }

  #start() {
    if (heard !== this.audio) heard?.pause();
    heard = this.audio;
    const frame = () => {
      this.#follow();
      if (!this.audio.paused && !CALM.matches) requestAnimationFrame(frame);
    };
    frame();
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (this.controls.press(event.key)) event.preventDefault();
    else if (!KEYS.has(event.key)) return;
    event.stopPropagation();
  }
}
