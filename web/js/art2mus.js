import { app } from "../../../scripts/app.js";

// The front end gives its player to a few core nodes only; a widget named audioUI asks for one.
app.registerExtension({
  name: "Art2Mus.Player",
  async beforeRegisterNodeDef(nodeType, nodeData) {
    if (nodeData.name === "Art2MusSaveAudio") nodeData.input.required.audioUI = ["AUDIO_UI", {}];
  },
});
