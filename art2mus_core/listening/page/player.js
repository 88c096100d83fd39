// A player for one piece: a button, a position, and a record of the played parts.

import { element } from "./element.js";
import { TEXTS } from "./texts.js";

const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

/** Plays `address`; fires "heard" during playback and "play" at its start. `share` of the piece must be played. */
export function createPlayer(address, name, share) {
  const player = new EventTarget();
  const audio = new Audio(address);
  audio.preload = "auto";
  const button = element("button", { type: "button", className: "play" });
  const position = element("input", { type: "range", min: 0, max: 1, step: "any", value: 0, ariaLabel: TEXTS.position });
  const time = element("span", { className: "time" });

  // Played seconds without skipped parts; repeated parts count once.
  const heard = () => {
    let seconds = 0;
    for (let index = 0; index < audio.played.length; index++) seconds += audio.played.end(index) - audio.played.start(index);
    return seconds;
  };
  const length = () => (Number.isFinite(audio.duration) ? audio.duration : 0);
  const update = () => {
    position.max = length() || 1;
    position.value = audio.currentTime;
    time.textContent = `${clock(audio.currentTime)} / ${clock(length())}`;
    button.dataset.state = audio.paused ? "paused" : "playing";
    button.ariaLabel = audio.paused ? TEXTS.playThis(name) : TEXTS.pauseThis(name);
    player.dispatchEvent(new Event("heard"));
  };

  Object.assign(player, {
    element: element("div", { className: "player" }, button, element("b", {}, name), position, time),
    playing: () => !audio.paused,
    pause: () => audio.pause(),
    toggle: () => (audio.paused ? audio.play().catch(() => {}) : audio.pause()),
    loaded: () => length() > 0,
    share: () => (length() ? Math.min(1, heard() / length()) : 0),
    toGo: () => share * length() - heard(),
    heardEnough: () => length() > 0 && heard() >= share * length(),
  });
  button.addEventListener("click", player.toggle);
  position.addEventListener("input", () => (audio.currentTime = Number(position.value)));
  for (const event of ["loadedmetadata", "timeupdate", "pause", "ended", "seeked"]) audio.addEventListener(event, update);
  audio.addEventListener("play", () => {
    update();
    player.dispatchEvent(new Event("play"));
  });
  audio.addEventListener("error", () => {
    player.element.replaceChildren(element("p", { role: "alert" }, TEXTS.broken));
  });
  update();
  return player;
}
