/** Keys that move the position, with the change in seconds; infinite for the start and end of the piece. */
const STEPS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, Home: -Infinity, End: Infinity };

const format = (/** @type {number} */ seconds) => String(Number(seconds.toFixed(1)));

/** The spectrogram of a piece with a moving playhead; a slider for pointer and keyboard. */
export class Spectrogram {
  /**
   * @param {import("./texts.js").Texts} texts
   * @param {{seek: (seconds: number) => void, toggle: () => void}} actions callbacks of the player
   */
  constructor(texts, actions) {
    this.texts = texts;
    this.actions = actions;
    this.picture = Object.assign(document.createElement("img"), { alt: "", draggable: false });
    this.picture.addEventListener("error", () => (this.element.hidden = true));
    this.playhead = document.createElement("div");
    this.playhead.className = "art2mus-playhead";
    this.element = document.createElement("div");
    this.element.className = "art2mus-spectrogram";
    this.element.tabIndex = 0;
    this.element.hidden = true;
    this.element.setAttribute("role", "slider");
    this.element.setAttribute("aria-label", texts.position);
    this.element.append(this.picture, this.playhead);
    this.element.addEventListener("keydown", (event) => this.#press(event));
    for (const kind of ["pointerdown", "pointermove", "pointerup"])
      this.element.addEventListener(kind, (event) => this.#point(event));
    this.move(0, 0);
  }

  /** @param {string} [address] address of a picture without margins; without one the slider is hidden */
  load(address) {
    this.element.hidden = !address;
    if (address) this.picture.src = address;
  }

  /**
   * Moves the playhead.
   * @param {number} at seconds
   * @param {number} length seconds
   */
  move(at, length) {
    Object.assign(this, { at, length });
    this.playhead.style.transform = `translateX(${length ? (100 * at) / length : 0}%)`;
    const text = this.texts.seconds.replace("%at", format(at)).replace("%of", format(length));
    const values = { min: 0, max: format(length), now: format(at), text };
    for (const [name, value] of Object.entries(values)) this.element.setAttribute(`aria-value${name}`, value);
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    if (event.key === " ") this.actions.toggle();
    else if (event.key in STEPS) this.actions.seek(Math.min(Math.max(this.at + STEPS[event.key], 0), this.length));
    else return;
    event.preventDefault();
  }

  /** @param {PointerEvent} event */
  #point(event) {
    if (event.type === "pointerdown" && event.button === 0) this.element.setPointerCapture(event.pointerId);
    if (!this.element.hasPointerCapture(event.pointerId)) return;
    event.stopPropagation();
    const { left, width } = this.element.getBoundingClientRect();
    this.actions.seek(this.length * Math.min(Math.max((event.clientX - left) / width, 0), 1));
  }
}
