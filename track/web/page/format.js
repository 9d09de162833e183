// How values look: the same everywhere.

const zone = undefined; // that of the person
// The browser takes long to make these: they are made when they are needed.
const late = make => { let made; return v => (made ??= make()).format(v); };
const dayTime = late(() => new Intl.DateTimeFormat(zone, {year: 'numeric', month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit'}));
const fullTime = late(() => new Intl.DateTimeFormat(zone, {dateStyle: 'medium', timeStyle: 'long'}));
const day = late(() => new Intl.DateTimeFormat(zone, {month: 'short', day: 'numeric'}));
const minute = late(() => new Intl.DateTimeFormat(zone, {hour: '2-digit', minute: '2-digit'}));
const second = late(() => new Intl.DateTimeFormat(zone, {hour: '2-digit', minute: '2-digit', second: '2-digit'}));
const whole = n => String(Math.round(n)).replace(/\B(?=(\d{3})+$)/g, ',');

// real reads a number of an answer, which has names for those that JSON lacks.
export function real(v) {
  return typeof v === 'number' ? v : v === null || v === undefined ? NaN : Number(v);
}

// num writes a number with five digits that mean something.
export function num(v) {
  if (v === null || v === undefined) return '';
  const x = real(v);
  if (Number.isNaN(x)) return 'NaN';
  if (!Number.isFinite(x)) return x > 0 ? '∞' : '−∞';
  const a = Math.abs(x);
  let text;
  if (a === 0) text = '0';
  else if (Number.isInteger(x) && a < 1e7) text = whole(a);
  else if (a >= 1e7 || a < 1e-4) text = a.toExponential(3).replace(/\.?0+e/, 'e').replace('e+', 'e').replace('e-', 'e−');
  else text = String(Number(a.toPrecision(5)));
  return x < 0 ? '−' + text : text;
}

// brief writes a parameter: a number of many digits as num does.
export const brief = v => v.length > 10 && Number.isFinite(Number(v)) ? num(v) : v;

// count writes a whole number, with its noun where there is one.
export const count = (n, one, many = one && one + 's') => whole(n) + (one ? ' ' + (n === 1 ? one : many) : '');

// bytes writes a size.
export function bytes(n) {
  if (!n) return '0 B';
  const units = ['B', 'KB', 'MB', 'GB', 'TB', 'PB'];
  let i = 0;
  while (n >= 1000 && i < units.length - 1) { n /= 1000; i++; }
  return (i === 0 || n >= 100 ? Math.round(n) : n.toPrecision(2)) + ' ' + units[i];
}

// took writes a duration in milliseconds.
export function took(ms) {
  if (ms < 0 || ms === null || ms === undefined || Number.isNaN(ms)) return '';
  if (ms < 1000) return (ms < 10 ? Number(ms.toPrecision(2)) : Math.round(ms)) + ' ms';
  const s = ms / 1000;
  if (s < 60) return (s < 10 ? s.toFixed(1) : Math.round(s)) + ' s';
  if (s < 3600) return Math.floor(s / 60) + ' m ' + Math.floor(s % 60) + ' s';
  if (s < 86400) return Math.floor(s / 3600) + ' h ' + Math.floor(s % 3600 / 60) + ' m';
  return Math.floor(s / 86400) + ' d ' + Math.floor(s % 86400 / 3600) + ' h';
}

// ago writes how long ago a time was, or the day where that is long.
export function ago(ms, now = Date.now()) {
  if (!ms) return '';
  const s = (now - ms) / 1000;
  if (s < 0) return when(ms);
  if (s < 10) return 'just now';
  if (s < 60) return Math.floor(s) + ' s ago';
  if (s < 3600) return Math.floor(s / 60) + ' min ago';
  if (s < 86400) return Math.floor(s / 3600) + ' h ago';
  if (s < 14 * 86400) return Math.floor(s / 86400) + ' d ago';
  return when(ms);
}

export const when = ms => ms ? dayTime(new Date(ms)) : '';
export const whenFully = ms => ms ? fullTime(new Date(ms)) : '';

// times writes times that are some seconds apart, below each other with the day where
// that is another one.
export function times(seconds, step) {
  let last = '';
  return seconds.map(s => {
    if (s === null) return '';
    const t = new Date(s * 1000), today = day(t), is = today === last ? '' : today;
    last = today;
    return step >= 86400 ? today : (step < 60 ? second(t) : minute(t)) + (is && '\n' + is);
  });
}

// short shortens a digest or the number of a run.
export const short = id => String(id ?? '').slice(0, 8);

// clip shortens a long text.
export const clip = (text, n) => text.length > n ? text.slice(0, n - 1) + '…' : text;

// apart shortens long names that begin alike, so that there is room for what tells them
// apart.
export function apart(names) {
  if (new Set(names).size < 2 || names.every(n => n.length <= 20)) return names;
  let n = 0;
  while (names.every(name => n < name.length && name[n] === names[0][n])) n++;
  n = names[0].slice(0, n).search(/[^-_./ ]*$/); // whole words
  return n < 4 ? names : names.map(name => '…' + name.slice(n));
}

export const statusWords = {RUNNING: 'running', SCHEDULED: 'scheduled', FINISHED: 'finished', FAILED: 'failed', KILLED: 'killed'};

// duration is how long a run took, so far.
export function duration(run, now = Date.now()) {
  if (run.end) return run.end - run.start;
  return run.status === 'RUNNING' && run.start ? now - run.start : NaN;
}

// colors tell runs apart, also for people who see few colours: they differ in
// lightness, too. Each has a contrast of 3 on the light panel and on the dark one.
export const colors = ['#3b5bdb', '#e8590c', '#2b8a3e', '#c2255c', '#0c8599', '#a13fbb', '#b78a00', '#5c677d', '#1098ad', '#d9480f', '#62990f', '#d25bcb'];
export const colorOf = i => colors[i % colors.length];
