/** Playback speeds, those of Chromium's own menu. */
const SPEEDS = [0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2];

const create = (/** @type {string} */ tag, /** @type {object} */ values) =>
  Object.assign(document.createElement(tag), values);

/** Controls that the audio element lacks: previous and next piece, repeat, and playback speed. */
export class Controls {
  /**
   * @param {import("./texts.js").Texts} texts
   * @param {HTMLAudioElement} audio
   * @param {(by: number) => void} skip moves by that many pieces of the batch
   */
  constructor(texts, audio, skip) {
    this.audio = audio;
    this.position = create("span", { ariaLive: "polite" });
    this.repeat = this.#button("↻", texts.repeat, "L", () => this.#repeat());
    this.repeat.ariaPressed = "false";
    this.speed = /** @type {HTMLSelectElement} */ (create("select", { title: `${texts.speed} (< >)`, ariaLabel: texts.speed }));
    this.speed.append(...SPEEDS.map((speed) => new Option(`${speed}×`, String(speed), speed === 1, speed === 1)));
    this.speed.addEventListener("change", () => this.#setSpeed(Number(this.speed.value)));
    audio.addEventListener("ratechange", () => this.#setSpeed(audio.playbackRate)); // changed in the element's own menu
    const previous = this.#button("‹", texts.previous, "P", () => skip(-1));
    const next = this.#button("›", texts.next, "N", () => skip(1));
    this.batch = create("div", { className: "art2mus-batch" });
    this.batch.append(previous, this.position, next);
    this.element = create("div", { className: "art2mus-controls", hidden: true });
    this.element.append(this.batch, this.repeat, this.speed);
    /** @type {Record<string, () => void>} by key */
    this.keys = {
      p: () => skip(-1),
      n: () => skip(1),
      l: () => this.#repeat(),
      "<": () => this.#changeSpeed(-1),
      ">": () => this.#changeSpeed(1),
    };
  }

  /**
   * Shows the position in the batch.
   * @param {number} index
   * @param {number} count number of pieces
   */
  showPosition(index, count) {
    this.element.hidden = false;
    this.batch.hidden = count < 2;
    this.position.textContent = `${index + 1} / ${count}`;
  }

  /**
   * Runs the control of a key; returns whether there is one.
   * @param {string} key
   */
  press(key) {
    const action = this.keys[key.toLowerCase()];
    action?.();
    return Boolean(action);
  }

  #repeat() {
    this.audio.loop = !this.audio.loop;
    this.repeat.ariaPressed = String(this.audio.loop);
  }

  /** @param {number} by number of entries in SPEEDS */
  #changeSpeed(by) {
    const index = SPEEDS.findIndex((speed) => speed >= this.audio.playbackRate) + by;
    this.#setSpeed(SPEEDS[Math.min(Math.max(index, 0), SPEEDS.length - 1)]);
  }

  /** @param {number} speed for this piece and the following ones */
  #setSpeed(speed) {
    this.audio.defaultPlaybackRate = speed;
    if (this.audio.playbackRate !== speed) this.audio.playbackRate = speed;
    this.speed.value = String(speed);
  }

  /**
   * @param {string} sign
   * @param {string} title
   * @param {string} key its shortcut
   * @param {() => void} action
   */
  #button(sign, title, key, action) {
    const values = { type: "button", textContent: sign, title: `${title} (${key})`, ariaLabel: title };
    const button = create("button", values);
    button.setAttribute("aria-keyshortcuts", key);
    button.addEventListener("click", action);
    return button;
  }
}
