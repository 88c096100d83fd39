import { Controls } from "./controls.js";
import { Spectrogram } from "./spectrogram.js";

/**
 * A piece: addresses of its audio and spectrogram, length in seconds, file name and title of the artwork.
 * @typedef {{audio: string, spectrogram?: string, seconds?: number, name?: string, artwork?: string}} Piece
 */

/** Keys that the host also uses as shortcuts; inside the player they control the player only. */
const KEYS = new Set([" ", "Enter", "Home", "End", "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"]);

const REDUCED_MOTION = matchMedia("(prefers-reduced-motion: reduce)");

/** @type {HTMLAudioElement | undefined} the playing element; only one plays at a time on the whole canvas */
let playing;

const create = (/** @type {string} */ tag, /** @type {object} */ values) =>
  Object.assign(document.createElement(tag), values);

/** Title, spectrogram, audio element and controls for a batch of pieces. `element` is put on the node. */
export class Player {
  /** @type {Piece[]} */
  pieces = [];
  index = 0;

  /** @param {import("./texts.js").Texts} texts */
  constructor(texts) {
    this.waiting = create("p", { className: "art2mus-waiting", textContent: texts.waiting });
    this.title = create("p", { className: "art2mus-title", hidden: true });
    this.audio = /** @type {HTMLAudioElement} */ (create("audio", { controls: true, preload: "metadata", hidden: true }));
    this.spectrogram = new Spectrogram(texts, {
      seek: (seconds) => this.#seek(seconds),
      toggle: () => (this.audio.paused ? this.#play() : this.audio.pause()),
    });
    this.controls = new Controls(texts, this.audio, (by) => this.#skip(by));
    this.element = create("div", { className: "art2mus-player" });
    this.element.append(this.waiting, this.title, this.spectrogram.element, this.audio, this.controls.element);
    this.element.addEventListener("keydown", (event) => this.#press(event));
    for (const kind of ["timeupdate", "seeking", "loadedmetadata", "ended"])
      this.audio.addEventListener(kind, () => this.#follow());
    this.audio.addEventListener("play", () => this.#start());
    this.audio.addEventListener("ended", () => this.#playNext());
    // Chromium fits the controls into the visible part of the element, and only at layout, which a panned canvas does not cause.
    new IntersectionObserver(
      (entries) => this.audio.classList.toggle("art2mus-whole", entries.at(-1).intersectionRatio > 0.98),
      { threshold: 0.98 },
    ).observe(this.audio);
  }

  /** @param {Piece[]} pieces pieces of one run */
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
    this.controls.showPosition(index, this.pieces.length);
    this.#follow();
  }

  /** @param {number} by number of pieces; after the last comes the first */
  #skip(by) {
    if (this.pieces.length < 2) return;
    const resume = !this.audio.paused;
    this.#open((this.index + by + this.pieces.length) % this.pieces.length);
    if (resume) this.#play();
  }

  /** Play the next piece of the batch at the end of one. A piece on repeat does not end. */
  #playNext() {
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
    this.audio.play().catch(() => {}); // the audio element itself shows the failure
  }

  #follow() {
    this.spectrogram.move(this.audio.currentTime, this.#length);
  }

  #start() {
    if (playing !== this.audio) playing?.pause();
    playing = this.audio;
    const frame = () => {
      this.#follow();
      if (!this.audio.paused && !REDUCED_MOTION.matches) requestAnimationFrame(frame);
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
