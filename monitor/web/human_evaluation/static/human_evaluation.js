// A study's own page: the last ratings can be taken back from here too.

import { listen } from "./keys.js";
import { offerUndo, takeBack } from "./undo.js";

offerUndo();
listen({ actions: { u: () => takeBack() } });
