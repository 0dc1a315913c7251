// A shadow at each side at which a table or chart is cut, as long as there is more to scroll to.

function update() {
  for (const part of document.querySelectorAll(".scroll, .across")) {
    const hidden = part.scrollWidth - part.clientWidth;
    // Of a container from right to left, 0 is the right end.
    const at = getComputedStyle(part).direction === "rtl" ? hidden + part.scrollLeft : part.scrollLeft;
    part.classList.toggle("cut-left", at > 1);
    part.classList.toggle("cut-right", at < hidden - 1);
  }
}

let waiting = 0;

function schedule() {
  waiting ||= requestAnimationFrame(() => {
    waiting = 0;
    update();
  });
}

update();
addEventListener("resize", schedule);
addEventListener("scroll", schedule, { capture: true, passive: true });
addEventListener("toggle", schedule, { capture: true });
new MutationObserver(schedule).observe(document.getElementById("main"), { childList: true, subtree: true });
