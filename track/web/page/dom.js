// Making nodes. Texts become text nodes and never markup, whatever they hold.

const svgNames = new Set(['svg', 'path', 'line', 'circle', 'rect', 'g', 'text', 'polyline', 'polygon']);

// h makes an element: h('a', {href: '/', class: 'x', onclick: f}, 'text', node, [more]).
// A property that is false, null or undefined is left out; "style" is an object.
export function h(tag, props, ...children) {
  const el = svgNames.has(tag) ? document.createElementNS('http://www.w3.org/2000/svg', tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith('on')) el.addEventListener(name.slice(2), value);
    else if (name === 'style') for (const [k, v] of Object.entries(value)) el.style.setProperty(k, v);
    else if (name === 'value' || name === 'checked' || name === 'indeterminate' || name === 'disabled' || name === 'hidden') el[name] = value;
    else el.setAttribute(name, value === true ? '' : value);
  }
  add(el, children);
  return el;
}

// add appends children: texts, nodes, and lists of them.
export function add(el, children) {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    if (Array.isArray(child)) add(el, child);
    else el.append(child instanceof Node ? child : String(child));
  }
  return el;
}

// fill replaces what is in an element.
export function fill(el, ...children) {
  el.replaceChildren();
  return add(el, children);
}

const stops = el => [...el.querySelectorAll('a, button, input, select, summary')];

// drawnAgain changes an element, or puts another in its place: the focus stays where
// it was.
function drawnAgain(old, change) {
  const at = old.contains(document.activeElement) ? stops(old).indexOf(document.activeElement) : -1;
  const el = change();
  if (at >= 0) stops(el)[at]?.focus({preventScroll: true});
  return el;
}

// refill is fill for what is drawn again.
export const refill = (el, ...children) => drawnAgain(el, () => fill(el, ...children));

// swap puts an element in the place of another, which it is drawn again.
export const swap = (old, el) => drawnAgain(old, () => (old.replaceWith(el), el));

// href returns the address of a view; parameters that are empty are left out, and
// lists are repeated.
export function href(params) {
  const q = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    for (const v of Array.isArray(value) ? value : [value]) {
      if (v !== '' && v !== null && v !== undefined && v !== false) q.append(name, v === true ? '1' : v);
    }
  }
  return '/?' + q.toString();
}

// link makes a link to a view.
export const link = (params, ...children) => h('a', {href: href(params)}, ...children);

// debounce calls f some time after the last call.
export function debounce(f, ms) {
  let timer = 0;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => f(...args), ms);
  };
}

// go shows another address, from where no link was clicked.
export function go(url) {
  history.pushState(null, '', url);
  dispatchEvent(new PopStateEvent('popstate'));
}
