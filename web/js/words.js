/**
 * What the extension says, by language. Another language is one more entry.
 * @typedef {typeof WORDS.en} Words
 */
const WORDS = {
  en: {
    waiting: "Press Run: the music appears here",
    position: "Position in the music",
    seconds: (/** @type {string} */ at, /** @type {string} */ of) => `${at} of ${of} seconds`,
    previous: "Previous piece",
    next: "Next piece",
  },
  zh: {
    waiting: "点击“运行”，音乐将显示在这里",
    position: "播放位置",
    seconds: (/** @type {string} */ at, /** @type {string} */ of) => `第 ${at} 秒，共 ${of} 秒`,
    previous: "上一首",
    next: "下一首",
  },
};

/**
 * The words of a locale such as `zh` or `zh-TW`, English where there are none.
 * @param {string} [locale]
 * @returns {Words}
 */
export function wordsOf(locale = "en") {
  return WORDS[locale] ?? WORDS[locale.split("-")[0]] ?? WORDS.en;
}
