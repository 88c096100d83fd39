const find = (/** @type {string} */ what, within = document) => within.querySelector(what);
const all = (/** @type {string} */ what, within = document) => [...within.querySelectorAll(what)];

const { measures, values } = JSON.parse(find("#data").textContent);
const [player, dock, cards] = ["#player", "#dock", "#cards"].map((name) => find(name));
const byName = all(".card", cards);
const calm = matchMedia("(prefers-reduced-motion: reduce)");

/** @type {HTMLButtonElement | undefined} of the piece in the player; there is one player, so only one piece plays at a time */
let current;

/* ---- playing ---- */

const playable = () => all(".play:enabled", cards).filter((button) => !button.closest("[hidden]"));

const toggle = (/** @type {HTMLButtonElement} */ button) => {
  if (button === current && !player.paused) player.pause();
  else play(button);
};

const play = (/** @type {HTMLButtonElement} */ button, from = 0) => {
  if (button !== current) {
    leave();
    current = button;
    player.src = button.dataset.source;
    const [track, card] = [".track", ".card"].map((name) => button.closest(name).dataset.title);
    find("#playing").textContent = `${track} · ${card}`;
    dock.hidden = false;
  }
  if (from) player.currentTime = from;
  player.play().catch((error) => {
    if (error.name !== "AbortError" && button === current) find("#playing").textContent = `cannot be played: ${error.message}`;
  });
};

const leave = () => {
  current?.setAttribute("aria-pressed", "false");
  const head = current && find(".playhead", current.closest(".track"));
  if (head) head.hidden = true;
};

const step = (/** @type {number} */ by) => {
  const buttons = playable();
  const next = buttons[buttons.indexOf(current) + by];
  if (!next) return;
  play(next);
  next.closest(".card").scrollIntoView({ block: "nearest", behavior: calm.matches ? "auto" : "smooth" });
};

const follow = () => {
  const strip = current && find(".strip", current.closest(".track"));
  if (!strip) return;
  const head = find(".playhead", strip);
  head.hidden = false;
  head.style.left = `${(100 * player.currentTime) / (Number(strip.dataset.seconds) || 1)}%`;
};

const animate = () => {
  follow();
  if (!player.paused && !calm.matches) requestAnimationFrame(animate);
};

for (const kind of ["play", "pause", "ended"])
  player.addEventListener(kind, () => current?.setAttribute("aria-pressed", String(!player.paused)));
player.addEventListener("play", animate);
for (const kind of ["timeupdate", "seeking"]) player.addEventListener(kind, follow);
find("#previous").addEventListener("click", () => step(-1));
find("#next").addEventListener("click", () => step(1));

cards.addEventListener("click", ({ target, clientX }) => {
  const button = target.closest(".play");
  if (button) toggle(button);
  const strip = target.closest(".strip");
  if (!strip) return;
  const { left, width } = strip.getBoundingClientRect();
  play(find(".play", strip.closest(".track")), ((clientX - left) / width) * Number(strip.dataset.seconds));
});

cards.addEventListener("keydown", (event) => {
  const button = event.target.closest(".play");
  if (!button || event.ctrlKey || event.metaKey || event.altKey) return;
  const [across, up] = [{ ArrowLeft: -2, ArrowRight: 2 }[event.key], { ArrowUp: -1, ArrowDown: 1 }[event.key]];
  if (!across && !up) return;
  event.preventDefault();
  if (across && button === current) player.currentTime = Math.max(0, player.currentTime + across);
  const buttons = up ? playable() : [];
  buttons[buttons.indexOf(button) + up]?.focus();
});

/* ---- values, groups and order ---- */

const chosen = (/** @type {string} */ id) => find(id)?.value ?? "";

const format = (/** @type {number | null} */ value, /** @type {number} */ index) =>
  value === null ? "–" : value.toFixed(measures[index].decimals).replace("-", "−");

const valueOf = (/** @type {HTMLElement} */ track, index = Number(chosen("#measure"))) =>
  values[track.dataset.system]?.[track.dataset.piece]?.[index] ?? null;

/** Mean over the takes of a system; null where there is no value. */
const valueFor = (/** @type {HTMLElement} */ card, /** @type {string} */ system) => {
  const tracks = all(".track", card).filter((track) => track.dataset.system === system);
  const found = tracks.map((track) => valueOf(track)).filter((value) => value !== null);
  return found.length ? found.reduce((sum, value) => sum + value, 0) / found.length : null;
};

const show = () => {
  const [group, order, system] = ["#group", "#order", "#system"].map(chosen);
  for (const card of byName) card.hidden = group !== "" && card.dataset.group !== group;
  if (measures.length)
    for (const track of all(".track", cards))
      find(".number", track).textContent = format(valueOf(track), Number(chosen("#measure")));
  const ranked = byName.map((card) => /** @type {const} */ ([card, valueFor(card, system)]));
  if (Number(order))
    ranked.sort(([, a], [, b]) => (a === null || b === null ? (a === null) - (b === null) : order * (a - b)));
  cards.append(...ranked.map(([card]) => card));
  const count = byName.filter((card) => !card.hidden).length;
  find("#count").textContent = `${count} ${find("#count").dataset.one}${count === 1 ? "" : "s"}`;
};

const element = (/** @type {string} */ tag, text = "", /** @type {Element[]} */ ...inside) => {
  const made = document.createElement(tag);
  made.append(text, ...inside);
  return made;
};

/** One row for each measure, one column for each piece. */
const tableOf = (/** @type {HTMLElement} */ card) => {
  const tracks = all(".track", card).filter((track) => values[track.dataset.system]?.[track.dataset.piece]);
  const heads = tracks.map((track) => element("th", find(".what span", track).textContent));
  const rows = measures.map(({ title, unit }, index) =>
    element(
      "tr",
      "",
      element("th", unit ? `${title} (${unit})` : title),
      ...tracks.map((track) => element("td", format(valueOf(track, index), index))),
    ),
  );
  const head = element("thead", "", element("tr", "", element("td"), ...heads));
  return element("div", "", element("table", "", head, element("tbody", "", ...rows)));
};

for (const details of all("details", cards))
  details.addEventListener("toggle", () => details.children[1] ?? details.append(tableOf(details.closest(".card"))));

find("#tools").addEventListener("change", show);
find("#tools").addEventListener("submit", (event) => event.preventDefault());
show();

/* ---- dots of the plots ---- */

const scatters = find(".scatters");
const dots = scatters ? all("circle", scatters) : [];

scatters?.addEventListener("pointerover", ({ target }) => {
  const { id } = target.dataset;
  for (const dot of dots) dot.classList.toggle("same", id !== undefined && dot.dataset.id === id);
});
scatters?.addEventListener("click", ({ target }) => {
  const track = all(".track", cards).find(({ dataset }) => dataset.piece === target.dataset.id);
  const card = track?.closest(".card");
  if (!card) return;
  if (card.hidden) {
    find("#group").value = "";
    show();
  }
  card.scrollIntoView({ block: "center" });
  find("h3", card).focus({ preventScroll: true });
});
