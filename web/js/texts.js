import { api } from "../../../scripts/api.js";

/**
 * Texts of the player. They are in the pack's `locales/LANGUAGE/main.json`, under `art2mus`.
 * @typedef {{waiting: string, position: string, seconds: string, previous: string, next: string, repeat: string,
 *   speed: string}} Texts
 */

/** @type {Texts} used if the server sends none */
const FALLBACK = {
  waiting: "…",
  position: "Position",
  seconds: "%at / %of",
  previous: "Previous",
  next: "Next",
  repeat: "Repeat",
  speed: "Speed",
};

/** @type {Record<string, {art2mus?: Texts}>} by language */
let served = {};

/** Load the texts once, before the first node is created. Never rejects. */
export async function loadTexts() {
  try {
    served = (await (await api.fetchApi("/i18n")).json()) ?? {};
  } catch (error) {
    console.warn("Art2Mus: could not load the texts of the player.", error);
  }
}

/**
 * The texts of a locale such as `zh` or `zh-TW`; English, or the fallback, if there are none.
 * @param {string} [locale]
 * @returns {Texts}
 */
export function textsOf(locale = "en") {
  const found = [locale, locale.split("-")[0], "en"].map((name) => served[name]?.art2mus).find(Boolean);
  return { ...FALLBACK, ...found };
}
