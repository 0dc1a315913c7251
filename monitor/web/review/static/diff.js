// Word diff by Myers' O(ND) algorithm (E. Myers, Algorithmica 1, 1986). Texts with too many differences
// are compared by lines first, and by words only within changed lines.

const MAX_EDITS = 2000; // of words; the work grows with its square

// Scripts written without spaces are compared character by character.
const WORDS = /\s+|[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]|[\p{L}\p{M}\p{N}_'’]+|[^\s\p{L}\p{M}\p{N}_]/gu;
const LINES = /[^\n]*\n|[^\n]+/g;

const words = (text) => text.match(WORDS) ?? [];
const lines = (text) => text.match(LINES) ?? [];

/** Return [kind, text] parts, kind being "same", "removed" or "added", that give back both texts. */
export function diffWords(before, after) {
  return merge(diffTokens(words(before), words(after), MAX_EDITS) ?? diffLines(before, after));
}

function diffLines(before, after) {
  const parts = diffTokens(lines(before), lines(after), MAX_EDITS);
  if (!parts) return [["removed", before], ["added", after]];
  const refined = [];
  let removed = "";
  let added = "";
  const close = () => {
    const finer = removed && added && diffTokens(words(removed), words(added), MAX_EDITS / 8);
    refined.push(...(finer || [["removed", removed], ["added", added]]));
    removed = "";
    added = "";
  };
  for (const [kind, line] of parts) {
    if (kind === "removed") removed += line;
    else if (kind === "added") added += line;
    else {
      close();
      refined.push(["same", line]);
    }
  }
  close();
  return refined.filter(([, text]) => text);
}

function diffTokens(before, after, limit) {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start += 1;
  let a = before.length;
  let b = after.length;
  while (a > start && b > start && before[a - 1] === after[b - 1]) {
    a -= 1;
    b -= 1;
  }
  const middle = shortestEdit(before.slice(start, a), after.slice(start, b), limit);
  if (!middle) return null;
  return [
    ...before.slice(0, start).map((token) => ["same", token]),
    ...middle,
    ...before.slice(a).map((token) => ["same", token]),
  ];
}

// The furthest x on each diagonal k = x - y, for each number of edits; kept to walk back.
function shortestEdit(before, after, limit) {
  const [n, m] = [before.length, after.length];
  if (!n || !m) return [...before.map((token) => ["removed", token]), ...after.map((token) => ["added", token])];
  const most = Math.min(n + m, limit);
  const furthest = new Int32Array(2 * most + 3);
  const trace = [];
  for (let d = 0; d <= most; d += 1) {
    trace.push(furthest.slice(most - d, most + d + 3));
    for (let k = -d; k <= d; k += 2) {
      const at = k + most + 1;
      const down = k === -d || (k !== d && furthest[at - 1] < furthest[at + 1]);
      let x = down ? furthest[at + 1] : furthest[at - 1] + 1;
      while (x < n && x - k < m && before[x] === after[x - k]) x += 1;
      furthest[at] = x;
      if (x >= n && x - k >= m) return walkBack(trace, before, after);
    }
  }
  return null;
}

function walkBack(trace, before, after) {
  const parts = [];
  let [x, y] = [before.length, after.length];
  for (let d = trace.length - 1; d >= 0; d -= 1) {
    const value = (k) => trace[d][k + d + 1];
    const k = x - y;
    const down = k === -d || (k !== d && value(k - 1) < value(k + 1));
    const previous = d === 0 ? 0 : down ? value(k + 1) : value(k - 1);
    const previousY = d === 0 ? 0 : previous - (down ? k + 1 : k - 1);
    while (x > previous && y > previousY) {
      x -= 1;
      y -= 1;
      parts.push(["same", before[x]]);
    }
    if (d === 0) break;
    if (down) {
      y -= 1;
      parts.push(["added", after[y]]);
    } else {
      x -= 1;
      parts.push(["removed", before[x]]);
    }
  }
  return parts.reverse();
}

// Within a change, removed text comes before added text; shared spaces and punctuation don't split a
// change in two.
function merge(parts) {
  const merged = [];
  let removed = [];
  let added = [];
  const put = (kind, text) => {
    if (!text) return;
    const last = merged.at(-1);
    if (last?.[0] === kind) last[1] += text;
    else merged.push([kind, text]);
  };
  const close = () => {
    let shared = "";
    while (removed.length && removed.at(-1) === added.at(-1) && !isWord(added.at(-1))) {
      shared = removed.pop() + shared;
      added.pop();
    }
    put("removed", removed.join(""));
    put("added", added.join(""));
    put("same", shared);
    removed = [];
    added = [];
  };
  for (const [kind, token] of parts) {
    if (kind === "removed") removed.push(token);
    else if (kind === "added") added.push(token);
    else if ((removed.length || added.length) && token.length < 3 && !isWord(token)) {
      removed.push(token);
      added.push(token);
    } else {
      close();
      put("same", token);
    }
  }
  close();
  return merged;
}

const isWord = (token) => /[\p{L}\p{N}]/u.test(token);
