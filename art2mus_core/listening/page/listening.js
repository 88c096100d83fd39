// The page of a listening test: consent, one page for each trial, thanks. The server keeps the progress; the browser
// stores only the listener's token, in its local storage and in the fragment of the address.

import { createPlayer } from "./player.js";
import { TEXTS } from "./texts.js";
import { element } from "./element.js";

const STORED = "listening-test";
const page = document.querySelector("#page");

let study;
let listener = location.hash.slice(1) || localStorage.getItem(STORED);
let onKey = () => {};

document.title = TEXTS.title;
document.addEventListener("keydown", (event) => {
  if (!event.ctrlKey && !event.metaKey && !event.altKey && !event.repeat) onKey(event);
});

open();

async function open() {
  study = await call("study");
  const turn = listener && (await call("next", { listener }));
  if (turn) return showTurn(remember(listener, turn));
  showStart();
}

/** Calls the server until it answers; returns null for an unknown listener. */
async function call(name, body) {
  const request = body && { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  for (;;) {
    try {
      const response = await fetch(`api/${name}`, request);
      if (response.status === 404) return null;
      const answer = await response.json();
      if (response.ok) return answer;
      await offerAgain(answer.error);
    } catch {
      await offerAgain(TEXTS.lost);
    }
  }
}

/** Shows an error with a button to try again. */
function offerAgain(message) {
  return new Promise((resolve) => {
    const button = element("button", { type: "button" }, TEXTS.again);
    const notice = element("div", { className: "notice", role: "alert" }, element("p", {}, message), button);
    button.addEventListener("click", () => {
      notice.remove();
      resolve();
    });
    page.append(notice);
    button.focus();
  });
}

function remember(token, turn) {
  listener = token;
  localStorage.setItem(STORED, token);
  history.replaceState(null, "", `#${token}`);
  return turn;
}

function forget() {
  listener = null;
  localStorage.removeItem(STORED);
  history.replaceState(null, "", location.pathname);
}

function show(...children) {
  onKey = () => {};
  page.replaceChildren(...children);
  page.focus();
  scrollTo(0, 0);
}

function showStart() {
  forget();
  const { heading, hints, consent, begin } = TEXTS.start;
  const agreed = element("input", { type: "checkbox", id: "consent" });
  const button = element("button", { type: "submit", className: "main", disabled: true }, begin);
  const form = element(
    "form",
    {},
    element("label", { className: "consent" }, agreed, element("span", {}, consent)),
    button,
  );
  agreed.addEventListener("change", () => (button.disabled = !agreed.checked));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    const begun = await call("begin", { consent: true });
    showTurn(remember(begun.listener, begun));
  });
  show(
    element(
      "section",
      { className: "words" },
      element("h1", {}, heading),
      element("p", {}, TEXTS.start[study.mode](study.pages, study.minutes)),
      element("ul", {}, ...hints.map((hint) => element("li", {}, hint))),
      form,
    ),
  );
}

function showEnd() {
  const { heading, text, another } = TEXTS.end;
  const button = element("button", { type: "button" }, another);
  button.addEventListener("click", showStart);
  show(element("section", { className: "words" }, element("h1", {}, heading), element("p", {}, text), button));
}

function showTurn({ done, total, page: trial }) {
  if (!trial) return showEnd();
  const names = trial.sounds === 1 ? [TEXTS.sounds.single] : TEXTS.sounds.pair;
  const players = names.map((name, index) => createPlayer(`media/${trial.token}/${index + 1}`, name, study.share));
  for (const player of players) {
    player.addEventListener("play", () => players.forEach((other) => other === player || other.pause()));
  }
  const form = createForm(trial, players, names);
  const aside = element("figure", {}, element("img", { src: `media/${trial.token}/artwork`, alt: TEXTS.artwork }));
  show(
    element(
      "header",
      {},
      element("label", { htmlFor: "progress" }, TEXTS.progress(done + 1, total)),
      element("progress", { id: "progress", max: total, value: done }),
    ),
    element("section", { className: "trial" }, aside, form),
  );
  onKey = (event) => pressed(event, trial, players, form);
}

function createForm(trial, players, names) {
  const { part } = trial;
  const texts = TEXTS.parts[part];
  const options = part === "rating" ? ["1", "2", "3", "4", "5"] : TEXTS.sounds.pair;
  const scales = Object.keys(texts).map((name) => createScale(name, texts[name], options));
  const hint = element("p", { className: "hint", id: "hint" });
  const button = element("button", { type: "submit", className: "main", disabled: true }, TEXTS.next);
  const form = element("form", { className: part }, ...players.map((player) => player.element));
  if (trial.wanted) {
    form.append(element("p", { className: "check" }, TEXTS.check[part](options[trial.wanted - 1])));
  }
  form.append(
    ...scales,
    element("footer", {}, hint, button),
    element("p", { className: "keys" }, TEXTS.keys[part]),
  );

  const update = () => {
    const waiting = players.findIndex((player) => !player.heardEnough());
    scales.forEach((scale) => (scale.disabled = waiting >= 0));
    const answered = scales.every((scale) => scale.querySelector(":checked"));
    button.disabled = waiting >= 0 || !answered;
    hint.textContent = waiting >= 0 ? toGo(players[waiting], players.length > 1 && names[waiting]) : answered ? "" : TEXTS.answerAll;
  };
  form.addEventListener("change", update);
  players.forEach((player) => player.addEventListener("heard", update));
  update();
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.disabled) return;
    button.disabled = true;
    players.forEach((player) => player.pause());
    const entries = [...new FormData(form)].map(([name, value]) => [name, Number(value)]);
    const heard = players.map((player) => player.share());
    const turn = await call("answer", { listener, page: trial.token, answers: Object.fromEntries(entries), heard });
    if (turn) showTurn(turn);
    else showStart();
  });
  return form;
}

function toGo(player, name) {
  if (!player.loaded()) return TEXTS.listen;
  const seconds = Math.max(1, Math.ceil(player.toGo()));
  return name ? TEXTS.listenFirstTo(seconds, name) : TEXTS.listenFirst(seconds);
}

/** One question with its options, as radio buttons. */
function createScale(name, { question, low, high }, options) {
  const choices = options.map((option, index) =>
    element(
      "label",
      {},
      element("input", { type: "radio", name, value: String(index + 1) }),
      element("span", {}, option),
    ),
  );
  const ends = low ? [element("div", { className: "ends" }, element("span", {}, low), element("span", {}, high))] : [];
  const legend = element("legend", {}, question);
  return element("fieldset", { disabled: true }, legend, element("div", { className: "choices" }, ...choices), ...ends);
}

function pressed(event, trial, players, form) {
  const key = event.key.toLowerCase();
  const letters = trial.part === "ab" ? ["a", "b"] : [];
  if (key === " " && !event.target.closest?.("button, input[type=range], input:not(:checked)")) {
    event.preventDefault();
    const waiting = players.find((player) => !player.heardEnough());
    (players.find((player) => player.playing()) ?? waiting ?? players[0]).toggle();
  } else if (letters.includes(key)) {
    players[letters.indexOf(key)].toggle();
  } else if (/^[1-5]$/.test(key)) {
    choose(form, key);
  } else if (key === "enter" && event.target.tagName !== "BUTTON") {
    event.preventDefault();
    form.requestSubmit();
  }
}

/** Answers the first unanswered question, or the focused one if all are answered. */
function choose(form, value) {
  const scales = [...form.querySelectorAll("fieldset:not(:disabled)")];
  const unanswered = scales.find((scale) => !scale.querySelector(":checked"));
  const scale = unanswered ?? scales.find((each) => each.contains(document.activeElement)) ?? scales.at(-1);
  const option = scale?.querySelector(`input[value="${value}"]`);
  if (!option) return;
  option.checked = true;
  option.dispatchEvent(new Event("change", { bubbles: true }));
}
