import { api } from "../../../scripts/api.js";

/**
 * What the extension says. The texts are in the pack's locales, a folder a language, under `art2mus` of main.json.
 * @typedef {{waiting: string, position: string, seconds: string, previous: string, next: string}} Words
 */

/** @type {Record<string, {art2mus?: Words}>} by language, as the server sends them */
let texts = {};

/** Asks the server once, before the first node is made. */
export async function loadWords() {
  texts = await (await api.fetchApi("/i18n")).json();
}

/**
 * The words of a locale such as `zh` or `zh-TW`, English where there are none.
 * @param {string} [locale]
 * @returns {Words}
 */
export function wordsOf(locale = "en") {
  return [locale, locale.split("-")[0], "en"].map((name) => texts[name]?.art2mus).find(Boolean);
}
