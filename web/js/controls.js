/** Playback speeds to choose from, as Chromium's own menu has them. */
const SPEEDS = [0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2];

const part = (/** @type {string} */ tag, /** @type {object} */ values) =>
  Object.assign(document.createElement(tag), values);

/** What the audio element's own controls lack: the way through a batch, repeating, and the speed. */
export class Controls {
  /**
   * @param {import("./words.js").Words} words
   * @param {HTMLAudioElement} audio
   * @param {(by: number) => void} turn to another piece of the batch
   */
  constructor(words, audio, turn) {
    this.audio = audio;
    this.place = part("span", { ariaLive: "polite" });
    this.repeat = this.#button("↻", words.repeat, "L", () => this.#repeat());
    this.repeat.ariaPressed = "false";
    this.speed = /** @type {HTMLSelectElement} */ (part("select", { title: `${words.speed} (< >)`, ariaLabel: words.speed }));
    this.speed.append(...SPEEDS.map((speed) => new Option(`${speed}×`, String(speed), speed === 1, speed === 1)));
    this.speed.addEventListener("change", () => this.#run(Number(this.speed.value)));
    audio.addEventListener("ratechange", () => this.#run(audio.playbackRate)); // by the element's own menu
    const back = this.#button("‹", words.previous, "P", () => turn(-1));
    const on = this.#button("›", words.next, "N", () => turn(1));
    this.batch = part("div", { className: "art2mus-batch" });
    this.batch.append(back, this.place, on);
    this.element = part("div", { className: "art2mus-controls", hidden: true });
    this.element.append(this.batch, this.repeat, this.speed);
    /** @type {Record<string, () => void>} by key */
    this.keys = {
      p: () => turn(-1),
      n: () => turn(1),
      l: () => this.#repeat(),
      "<": () => this.#faster(-1),
      ">": () => this.#faster(1),
    };
  }

  /**
   * Says which piece is open.
   * @param {number} index
   * @param {number} all pieces of the batch
   */
  count(index, all) {
    this.element.hidden = false;
    this.batch.hidden = all < 2;
    this.place.textContent = `${index + 1} / ${all}`;
  }

  /**
   * Whether a key is one of these controls', which then has done its work.
   * @param {string} key
   */
  press(key) {
    const does = this.keys[key.toLowerCase()];
    does?.();
    return Boolean(does);
  }

  #repeat() {
    this.audio.loop = !this.audio.loop;
    this.repeat.ariaPressed = String(this.audio.loop);
  }

  /** @param {number} by steps */
  #faster(by) {
    const index = SPEEDS.findIndex((speed) => speed >= this.audio.playbackRate) + by;
    this.#run(SPEEDS[Math.min(Math.max(index, 0), SPEEDS.length - 1)]);
  }

  /** @param {number} speed of this piece and of those that follow */
  #run(speed) {
    this.audio.defaultPlaybackRate = speed;
    if (this.audio.playbackRate !== speed) this.audio.playbackRate = speed;
    this.speed.value = String(speed);
  }

  /**
   * @param {string} sign
   * @param {string} title
   * @param {string} key that does the same
   * @param {() => void} does
   */
  #button(sign, title, key, does) {
    const values = { type: "button", textContent: sign, title: `${title} (${key})`, ariaLabel: title };
    const button = part("button", values);
    button.setAttribute("aria-keyshortcuts", key);
    button.addEventListener("click", does);
    return button;
  }
}
