// Asking the server.

// events tells the page what asking has shown: "login" is wanted, the server is
// "away", or "back".
export const events = new EventTarget();

export class Failure extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

let away = false;

function tell(isAway) {
  if (away === isAway) return;
  away = isAway;
  events.dispatchEvent(new Event(isAway ? 'away' : 'back'));
}

export const isAway = () => away;

export function query(params) {
  const q = new URLSearchParams();
  for (const [name, value] of Object.entries(params ?? {})) {
    for (const v of Array.isArray(value) ? value : [value]) if (v !== undefined && v !== null && v !== '') q.append(name, v);
  }
  return q.toString();
}

async function ask(name, params, options) {
  const q = query(params);
  let response;
  try {
    response = await fetch('/ui/api/' + name + (q ? '?' + q : ''), options);
  } catch (e) {
    if (e.name !== 'AbortError') tell(true);
    throw e.name === 'AbortError' ? e : new Failure(0, 'The server does not answer.');
  }
  tell(false);
  if (response.ok) return response;
  const body = await response.json().catch(() => ({}));
  if (response.status === 401) events.dispatchEvent(new Event('login'));
  throw new Failure(response.status, body.error || 'The server answered with ' + response.status + '.');
}

// get asks for something.
export const get = async (name, params, signal) => (await ask(name, params, {signal})).json();

// fresh is get for what is asked for again and again: it returns undefined if the
// answer is the one whose tag was noted in seen.
export async function fresh(name, params, seen, signal) {
  const response = await ask(name, params, {signal});
  const tag = response.headers.get('ETag');
  const body = await response.json();
  if (tag && tag === seen.tag) return undefined;
  seen.tag = tag;
  return body;
}

// send asks for a change.
export const send = async (method, name, body, headers = {}) => (await ask(name, {}, {
  method, headers: {'Content-Type': 'application/json', ...headers}, body: body === undefined ? undefined : JSON.stringify(body),
})).json();

// artifact returns the address of a file of a run.
export const artifact = (params) => '/ui/artifact?' + query(params);

// poll calls f every few seconds while somebody looks, one call at a time, less
// often while it fails. It returns what ends it.
export function poll(f, seconds) {
  let timer = 0, ended = false, wait = seconds;
  const turn = async () => {
    clearTimeout(timer);
    if (ended) return;
    if (!document.hidden) {
      try {
        await f();
        wait = seconds;
      } catch (e) {
        if (e.name !== 'AbortError' && !(e instanceof Failure)) console.error(e); // a mistake of the page
        wait = Math.min(15, wait * 1.5);
      }
    }
    if (!ended) timer = setTimeout(turn, wait * 1000);
  };
  const seen = () => { if (!document.hidden) turn(); };
  timer = setTimeout(turn, wait * 1000);
  document.addEventListener('visibilitychange', seen);
  return () => {
    ended = true;
    clearTimeout(timer);
    document.removeEventListener('visibilitychange', seen);
  };
}
