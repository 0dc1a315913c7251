// The maps of prompts and of changes: hovering highlights a dot's topic, a click shows its texts.
// Without this script the topics next to a map are links that show their examples.

const REACH = 14; // pixels around a dot that select it

const maps = [...document.querySelectorAll(".dotted")].map(read);
const examples = document.getElementById("examples");
const source = examples.dataset.source;
const topics = [...document.querySelectorAll(".topics a")];
document.documentElement.classList.add("scripts");

/** Return a map with its dots, and a ring around the dot that is pointed at. */
function read(svg) {
  const dots = [...svg.querySelectorAll(".dots")].flatMap((path) => {
    const first = Number(path.dataset.first);
    const points = path.dataset.points?.split(" ").map(Number);
    return [...path.getAttribute("d").matchAll(/M([\d.-]+) ([\d.-]+)h0/g)].map(([, x, y], at) => ({
      x: Number(x), y: Number(y), point: points ? points[at] : first + at, topic: path.dataset.topic,
    }));
  });
  const ring = document.createElementNS(svg.namespaceURI, "circle");
  ring.setAttribute("class", "pointed");
  ring.setAttribute("visibility", "hidden");
  svg.append(ring);
  return { svg, dots, ring, figure: svg.closest(".map") };
}

function show(topic) {
  for (const { svg, figure } of maps) {
    figure.classList.toggle("choosing", topic !== undefined);
    for (const node of svg.querySelectorAll("[data-topic]")) {
      node.classList.toggle("active", node.dataset.topic === topic);
    }
  }
}

function chosen() {
  return topics.find((link) => link.hasAttribute("aria-current"))?.dataset.topic;
}

/** Return the dot nearest to a pointer event; dots of topics take precedence. */
function dotAt({ svg, dots }, event) {
  const matrix = svg.getScreenCTM();
  const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix.inverse());
  const reach = REACH / matrix.a;
  let best;
  let least = reach;
  for (const dot of dots) {
    const apart = Math.hypot(dot.x - x, dot.y - y) * (dot.topic === undefined ? 1.6 : 1);
    if (apart < least) [best, least] = [dot, apart];
  }
  return best;
}

let nRequests = 0;
async function load(path, { focus }) {
  nRequests += 1;
  const request = nRequests;
  let html;
  try {
    const response = await fetch(source + path, { headers: { accept: "text/html" } });
    if (response.redirected || response.status === 401) return location.reload();
    if (!response.ok) throw new Error(response.statusText);
    html = await response.text();
  } catch {
    html = '<p class="notice bad">The examples could not be loaded. Check the connection and try again.</p>';
  }
  if (request !== nRequests) return; // another selection followed
  examples.innerHTML = html; // escaped by the server
  if (focus) examples.querySelector("[tabindex]")?.focus();
  examples.querySelector("h3")?.scrollIntoView({ block: "nearest" });
}

function choose(topic, options) {
  for (const link of topics) {
    if (link.dataset.topic === topic) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  show(topic);
  history.replaceState(null, "", topic === undefined ? location.pathname : `?topic=${topic}`);
  if (topic !== undefined) load(`/topics/${topic}`, options);
}

for (const link of topics) {
  link.addEventListener("click", (event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    choose(link.dataset.topic, { focus: event.detail === 0 }); // 0: by keyboard
  });
  for (const name of ["pointerenter", "focus"]) link.addEventListener(name, () => show(link.dataset.topic));
  for (const name of ["pointerleave", "blur"]) link.addEventListener(name, () => show(chosen()));
}

for (const map of maps) {
  const { svg, ring, figure } = map;
  svg.addEventListener("pointermove", (event) => {
    const dot = dotAt(map, event);
    figure.classList.toggle("pointing", dot !== undefined);
    ring.setAttribute("visibility", dot ? "visible" : "hidden");
    if (!dot) return show(chosen());
    ring.setAttribute("cx", dot.x);
    ring.setAttribute("cy", dot.y);
    ring.setAttribute("r", 7 / svg.getScreenCTM().a);
    if (dot.topic !== undefined) show(dot.topic);
  });
  svg.addEventListener("pointerleave", () => {
    ring.setAttribute("visibility", "hidden");
    show(chosen());
  });
  svg.addEventListener("click", (event) => {
    const label = event.target.closest(".label");
    if (label) {
      event.preventDefault();
      return choose(label.dataset.topic, { focus: false });
    }
    const dot = dotAt(map, event);
    if (dot) load(`/points/${dot.point}`, { focus: false });
  });
}
show(chosen());
