// All texts of the page. To translate the page, translate this file.

const minutes = (count) => (count === 1 ? "one minute" : `${count} minutes`);

export const TEXTS = {
  title: "Listening test",
  start: {
    heading: "How does this music sound to you?",
    rating: (pages, about) =>
      `On ${pages} pages you will see artworks, hear music made for them, and rate it. The test takes about ${minutes(about)}.`,
    ab: (pages, about) =>
      `On ${pages} pages you will see an artwork, hear two pieces of music for it, and choose one. The test takes about ${minutes(about)}.`,
    both: (pages, about) =>
      `On ${pages} pages you will see artworks and hear music made for them. First you rate single pieces, then you choose between two. The test takes about ${minutes(about)}.`,
    hints: [
      "Use headphones in a quiet place, and do not change the volume during the test.",
      "There are no right or wrong answers. A few pages check your attention.",
      "You can close the page and continue later in this browser.",
    ],
    consent:
      "I take part voluntarily and may stop at any time. My answers are stored without my name or other personal data.",
    begin: "Begin",
  },
  progress: (page, total) => `Page ${page} of ${total}`,
  artwork: "The artwork",
  position: "Position in the music",
  sounds: { single: "Music", pair: ["A", "B"] },
  playThis: (name) => `Play ${name}`,
  pauseThis: (name) => `Pause ${name}`,
  parts: {
    rating: {
      quality: {
        question: "How good does the music sound?",
        low: "bad",
        high: "excellent",
      },
      relevance: {
        question: "How well does the music fit the artwork?",
        low: "not at all",
        high: "perfectly",
      },
      expressiveness: {
        question: "How expressive is the music?",
        low: "not at all",
        high: "very",
      },
    },
    ab: {
      preference: { question: "Which music fits the artwork better?" },
    },
  },
  check: {
    rating: (wanted) => `This is an attention check: please listen, and answer ${wanted} to each question.`,
    ab: (wanted) => `This is an attention check: please listen, and choose ${wanted}.`,
  },
  next: "Next",
  listen: "Listen first.",
  listenFirst: (seconds) => `Listen first: ${seconds} s left.`,
  listenFirstTo: (seconds, name) => `Listen first: ${seconds} s of ${name} left.`,
  answerAll: "Answer to continue.",
  keys: {
    rating: "Keys: Space plays, 1 to 5 answer, Enter continues.",
    ab: "Keys: A and B play, Space pauses, 1 and 2 choose, Enter continues.",
  },
  end: {
    heading: "Thank you",
    text: "All your answers are saved. You can close this page.",
    another: "Begin as another listener",
  },
  lost: "The server cannot be reached. Your last answer is not saved yet.",
  broken: "This music cannot be played. Reload the page. If that does not help, contact the person who sent you the link.",
  again: "Try again",
};
