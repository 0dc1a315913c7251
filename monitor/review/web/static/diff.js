// A word diff: the longest common subsequence of words, after what both texts share at their ends.

const LIMIT = 4_000_000; // cells of the table; beyond it the middle is shown as replaced

const words = (text) => text.match(/\s+|[\p{L}\p{N}_'’]+|[^\s\p{L}\p{N}_]/gu) ?? [];

export function diffWords(before, after) {
  const a = words(before);
  const b = words(after);
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end += 1;
  const middle = common(a.slice(start, a.length - end), b.slice(start, b.length - end));
  return merge([
    ...a.slice(0, start).map((word) => ["same", word]),
    ...middle,
    ...a.slice(a.length - end).map((word) => ["same", word]),
  ]);
}

function common(a, b) {
  if (a.length * b.length > LIMIT || !a.length || !b.length) {
    return [...a.map((word) => ["removed", word]), ...b.map((word) => ["added", word])];
  }
  const width = b.length + 1;
  const length = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      length[i * width + j] = a[i] === b[j]
        ? length[(i + 1) * width + j + 1] + 1
        : Math.max(length[(i + 1) * width + j], length[i * width + j + 1]);
    }
  }
  const parts = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      parts.push(["same", a[i]]);
      i += 1;
      j += 1;
    } else if (j >= b.length || (i < a.length && length[(i + 1) * width + j] >= length[i * width + j + 1])) {
      parts.push(["removed", a[i]]);
      i += 1;
    } else {
      parts.push(["added", b[j]]);
      j += 1;
    }
  }
  return parts;
}

// Within a change, what was removed stands together before what was added; a space that both
// happen to share doesn't break a change in two.
function merge(parts) {
  const merged = [];
  let removed = "";
  let added = "";
  const close = () => {
    const space = removed && added ? (removed.match(/\s+$/)?.[0] ?? "") : "";
    const shared = space && added.endsWith(space) ? space : "";
    const cut = (text) => text.slice(0, text.length - shared.length);
    if (cut(removed)) merged.push(["removed", cut(removed)]);
    if (cut(added)) merged.push(["added", cut(added)]);
    if (shared) merged.push(["same", shared]);
    removed = "";
    added = "";
  };
  for (const [kind, word] of parts) {
    if (kind === "removed") removed += word;
    else if (kind === "added") added += word;
    else if ((removed || added) && !word.trim()) {
      removed += word;
      added += word;
    } else {
      close();
      const last = merged.at(-1);
      if (last?.[0] === "same") last[1] += word;
      else merged.push(["same", word]);
    }
  }
  close();
  return merged;
}

export function showDiff(element, before, after) {
  const tags = { same: "span", removed: "del", added: "ins" };
  element.replaceChildren(
    ...diffWords(before, after).map(([kind, text]) => {
      const part = document.createElement(tags[kind]);
      part.textContent = text;
      return part;
    }),
  );
}
