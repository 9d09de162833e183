// Small statistics over values of runs.

// ranks returns the ranks of numbers, the mean of them where some are equal.
export function ranks(xs) {
  const order = xs.map((_, i) => i).sort((a, b) => xs[a] - xs[b]);
  const out = new Array(xs.length);
  for (let i = 0; i < order.length;) {
    let j = i;
    while (j < order.length && xs[order[j]] === xs[order[i]]) j++;
    for (let k = i; k < j; k++) out[order[k]] = (i + j - 1) / 2;
    i = j;
  }
  return out;
}

const mean = xs => xs.reduce((a, b) => a + b, 0) / xs.length;

// correlation is Pearson's; of ranks, Spearman's.
export function correlation(xs, ys) {
  const mx = mean(xs), my = mean(ys);
  let xy = 0, xx = 0, yy = 0;
  for (let i = 0; i < xs.length; i++) {
    xy += (xs[i] - mx) * (ys[i] - my);
    xx += (xs[i] - mx) ** 2;
    yy += (ys[i] - my) ** 2;
  }
  return xx > 0 && yy > 0 ? xy / Math.sqrt(xx * yy) : NaN;
}

// share is how much of the variance of ys the groups explain, corrected for what
// groups of that number explain by chance (epsilon squared): 0 to 1.
export function share(groups, ys) {
  const by = new Map();
  groups.forEach((g, i) => by.get(g)?.push(ys[i]) ?? by.set(g, [ys[i]]));
  const n = ys.length, k = by.size, m = mean(ys);
  const total = ys.reduce((s, y) => s + (y - m) ** 2, 0);
  if (k < 2 || n <= k || total === 0) return 0;
  let within = 0;
  for (const list of by.values()) {
    const gm = mean(list);
    for (const y of list) within += (y - gm) ** 2;
  }
  return Math.max(0, 1 - (within / (n - k)) / (total / (n - 1)));
}

// bins puts numbers of many values into as many groups of the same size as their
// number bears.
export function bins(xs) {
  if (new Set(xs).size <= 8) return xs;
  const k = Math.max(2, Math.min(8, Math.floor(Math.sqrt(xs.length / 2))));
  return ranks(xs).map(r => Math.min(k - 1, Math.floor(r / xs.length * k)));
}

// numbers returns what texts are as numbers; null if one of them is none.
export function numbers(texts) {
  const xs = texts.map(t => t === '' || t === undefined ? NaN : Number(t));
  return xs.every(Number.isFinite) ? xs : null;
}
