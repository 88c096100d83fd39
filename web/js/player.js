import { Spectrogram } from "./spectrogram.js";

/**
 * A piece as the player needs it: addresses and the length in seconds.
 * @typedef {{audio: string, spectrogram?: string, seconds?: number}} Piece
 */

/** The host's shortcuts use these keys too; inside the player they are the player's. */
const KEYS = new Set([" ", "Enter", "Home", "End", "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"]);

const CALM = matchMedia("(prefers-reduced-motion: reduce)");

/** @type {HTMLAudioElement | undefined} what is heard: one piece at a time on the whole canvas */
let heard;

const part = (/** @type {string} */ tag, /** @type {object} */ values) =>
  Object.assign(document.createElement(tag), values);

/** Spectrogram, audio element and the way through a batch. `element` goes on the node. */
export class Player {
  /** @type {Piece[]} */
  pieces = [];
  index = 0;

  /** @param {import("./words.js").Words} words */
  constructor(words) {
    this.waiting = part("p", { className: "art2mus-waiting", textContent: words.waiting });
    this.audio = /** @type {HTMLAudioElement} */ (part("audio", { controls: true, preload: "metadata", hidden: true }));
    this.spectrogram = new Spectrogram(words, {
      seek: (seconds) => this.#seek(seconds),
      toggle: () => (this.audio.paused ? this.#play() : this.audio.pause()),
    });
    this.count = part("span", { ariaLive: "polite" });
    this.batch = part("div", { className: "art2mus-batch", hidden: true });
    this.batch.append(this.#turn("‹", words.previous, -1), this.count, this.#turn("›", words.next, 1));
    this.element = part("div", { className: "art2mus-player" });
    this.element.append(this.waiting, this.spectrogram.element, this.audio, this.batch);
    this.element.addEventListener("keydown", (event) => {
      if (KEYS.has(event.key) && !event.ctrlKey && !event.metaKey && !event.altKey) event.stopPropagation();
    });
    for (const kind of ["timeupdate", "seeking", "loadedmetadata", "ended"])
      this.audio.addEventListener(kind, () => this.#follow());
    this.audio.addEventListener("play", () => this.#start());
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
    this.batch.hidden = pieces.length < 2;
    this.#open(0);
  }

  get #length() {
    return Number.isFinite(this.audio.duration) ? this.audio.duration : this.pieces[this.index]?.seconds ?? 0;
  }

  /** @param {number} index */
  #open(index) {
    this.index = index;
    const { audio, spectrogram } = this.pieces[index];
    this.audio.src = audio;
    this.spectrogram.load(spectrogram);
    this.count.textContent = `${index + 1} / ${this.pieces.length}`;
    this.#follow();
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

  /**
   * A button to another piece of the batch.
   * @param {string} sign
   * @param {string} title
   * @param {number} by
   */
  #turn(sign, title, by) {
    const button = part("button", { type: "button", textContent: sign, title, ariaLabel: title });
    button.addEventListener("click", () => {
      const playing = !this.audio.paused;
      this.#open((this.index + by + this.pieces.length) % this.pieces.length);
      if (playing) this.#play();
    });
    return button;
  }
}
