import { api } from "../../../scripts/api.js";

/**
 * What the extension says. The texts are in the pack's locales, a folder a language, under `art2mus` of main.json.
 * @typedef {{waiting: string, position: string, seconds: string, previous: string, next: string, repeat: string,
 *   speed: string}} Words
 */

/** @type {Words} where the server sends none: the player plays all the same */
const PLAIN = {
  waiting: "…",
  position: "Position",
  seconds: "%at / %of",
  previous: "Previous",
  next: "Next",
  repeat: "Repeat",
  speed: "Speed",
};

/** @type {Record<string, {art2mus?: Words}>} by language, as the server sends them */
let texts = {};

/** Asks the server once, before the first node is made; never rejects. */
export async function loadWords() {
  try {
    texts = (await (await api.fetchApi("/i18n")).json()) ?? {};
  } catch (error) {
    console.warn("Art2Mus: no words for the player.", error);
  }
}

/**
 * The words of a locale such as `zh` or `zh-TW`, else English, else plain ones.
 * @param {string} [locale]
 * @returns {Words}
 */
export function wordsOf(locale = "en") {
  const found = [locale, locale.split("-")[0], "en"].map((name) => texts[name]?.art2mus).find(Boolean);
  return { ...PLAIN, ...found };
}
