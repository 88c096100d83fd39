// All words of the page. To translate it, translate this file.

const minutes = (count) => (count === 1 ? "one minute" : `${count} minutes`);

export const TEXTS = {
  title: "Listening test",
  start: {
    heading: "How does this music sound to you?",
    rating: (pages, about) =>
      `You will see artworks and hear music that was made for them, on ${pages} pages, and say what you think of it. It takes about ${minutes(about)}.`,
    ab: (pages, about) =>
      `You will see artworks and hear two pieces of music for each, on ${pages} pages, and choose one. It takes about ${minutes(about)}.`,
    both: (pages, about) =>
      `You will see artworks and hear music that was made for them, on ${pages} pages: one piece at first, two to choose between later. It takes about ${minutes(about)}.`,
    hints: [
      "Use headphones in a quiet place, and don't change the volume during the test.",
      "There are no right answers. A few pages check that you read them.",
      "You can close the page and go on later, in this browser.",
    ],
    consent:
      "I take part of my own free will and may stop at any time. My answers are stored without my name or anything else about me.",
    begin: "Begin",
  },
  progress: (page, total) => `Page ${page} of ${total}`,
  artwork: "The artwork",
  play: "Play",
  pause: "Pause",
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
    rating: (wanted) => `This page checks that you read it: please listen, and answer ${wanted} to each question.`,
    ab: (wanted) => `This page checks that you read it: please listen, and choose ${wanted}.`,
  },
  next: "Next",
  listen: "Listen first.",
  listenFirst: (seconds) => `Listen first: ${seconds} s to go.`,
  listenFirstTo: (seconds, name) => `Listen first: ${seconds} s of ${name} to go.`,
  answerAll: "Answer to go on.",
  keys: {
    rating: "Keys: space plays, 1 to 5 answer, Enter goes on.",
    ab: "Keys: A and B play, space pauses, 1 and 2 choose, Enter goes on.",
  },
  end: {
    heading: "Thank you",
    text: "All your answers are stored. You can close this page.",
    another: "Begin again for another listener",
  },
  lost: "The server cannot be reached. Your last answer is not stored yet.",
  broken: "This music cannot be played. Reload the page; if that does not help, tell the person who gave you the address.",
  again: "Try again",
};
