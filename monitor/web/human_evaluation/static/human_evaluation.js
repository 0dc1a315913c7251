// The page of a human evaluation: undo of the last ratings.

import { listen } from "./keys.js";
import { offerUndo, withdraw } from "./undo.js";

offerUndo();
listen({ actions: { u: () => withdraw(), "?": () => document.getElementById("help").showModal() } });
