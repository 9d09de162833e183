// What applications did for requests, and conversations with models.

import {h, fill, link} from './dom.js';
import {get} from './api.js';
import {took, clip, short, count} from './format.js';
import {state, time, failed} from './widgets.js';
import {json} from './artifacts.js';

export async function show(root, params, page) {
  page.title('Traces');
  const one = params.get('trace');
  if (one) fill(root, h('p', {class: 'crumbs'}, link({view: 'traces'}, 'Traces'), '/', h('code', {class: 'v'}, short(one.replace(/^tr-/, '')))), await traceOf(one));
  else fill(root, h('h1', {}, 'Traces'), await list({}));
}

// tracesOf shows the traces of a run.
export const tracesOf = run => list({id: run.id}, run);

async function list(where, run) {
  const first = await get('traces', where);
  if (first.traces.length === 0) {
    return state(run ? 'No traces' : 'No traces yet', run ? 'The run has logged none.' : 'What an application asks models, and what they answer, appears here when it is traced:', run ? [] :
      ['import mlflow', 'mlflow.set_tracking_uri("' + location.origin + '")', 'mlflow.openai.autolog()    # or @mlflow.trace, or OpenTelemetry at ' + location.origin + '/v1/traces']);
  }
  const body = h('tbody', {}), detail = h('div', {});
  let at = 0;
  const more = h('button', {type: 'button', onclick: async () => draw(await get('traces', {...where, at}))}, 'More');
  const draw = page => {
    at += page.traces.length;
    more.hidden = !page.more;
    for (const t of page.traces) {
      const open = h('a', {href: '/?view=traces&trace=' + encodeURIComponent(t.id), onclick: run && (async e => {
        e.preventDefault();
        try {
          fill(detail, await traceOf(t.id));
          detail.scrollIntoView({block: 'start'});
        } catch (e) {
          fill(detail, failed(e, 'The trace cannot be shown'));
        }
      })}, t.name || short(t.id));
      body.append(h('tr', {}, h('th', {scope: 'row'}, open), h('td', {}, h('span', {class: t.state === 'ERROR' ? 'bad' : t.state === 'OK' ? 'good' : 'dim'}, t.state.toLowerCase().replace(/_/g, ' '))), h('td', {}, time(t.time)), h('td', {class: 'right'}, took(t.duration)),
        h('td', {class: 'cut'}, glance(t.request)), h('td', {class: 'cut'}, glance(t.response)), h('td', {}, t.assessments.map(a => h('span', {class: 'badge', title: a.rationale}, a.name + ': ' + clip(a.value, 30))))));
    }
  };
  draw(first);
  return h('div', {}, h('section', {class: 'panel wide'}, h('table', {class: 'list'}, h('thead', {}, h('tr', {}, ['Trace', 'State', 'When', 'Took', 'Asked', 'Answered', 'Judged'].map(t => h('th', {class: t === 'Took' ? 'right' : null}, t)))), body), more), detail);
}

// glance shortens what was asked or answered: the text itself where it is the only value
// of a JSON object.
function glance(text) {
  try {
    const values = Object.values(JSON.parse(text));
    if (values.length === 1 && typeof values[0] === 'string') text = values[0];
  } catch { /* it is a text, or cut */ }
  return clip(text ?? '', 160);
}

async function traceOf(id) {
  const t = await get('trace', {id});
  const children = new Map();
  const ids = new Set(t.spans.map(s => s.id));
  for (const s of t.spans) {
    const parent = ids.has(s.parent) ? s.parent : '';
    children.set(parent, [...children.get(parent) ?? [], s]);
  }
  const total = Math.max(1, ...t.spans.map(s => s.start + Math.max(0, s.took)));
  const detail = h('section', {class: 'panel'});
  const choose = (s, button) => {
    tree.querySelector('[aria-current]')?.removeAttribute('aria-current');
    button?.setAttribute('aria-current', 'true');
    fill(detail, spanOf(s));
  };
  const buttons = new Map(), row = (s, depth) => {
    const button = h('button', {type: 'button', class: 'span', onclick: () => choose(s, button)},
      h('span', {class: 'v', style: {'padding-left': depth * 14 + 'px'}}, h('span', {class: 'badge ' + (s.status === 'ERROR' ? 'bad' : 'accent')}, (s.type && s.type !== 'UNKNOWN' ? s.type : 'span').toLowerCase().replace(/_/g, ' ')), ' ', s.name),
      h('span', {class: 'track', 'aria-hidden': 'true'}, h('span', {style: {left: s.start / total * 100 + '%', width: Math.max(0.5, Math.max(0, s.took) / total * 100) + '%'}})),
      h('span', {class: 'dim'}, s.took < 0 ? 'goes on' : took(s.took / 1000)));
    buttons.set(s, button);
    return [button, depth < 60 && (children.get(s.id) ?? []).map(c => row(c, depth + 1))];
  };
  const tree = h('section', {class: 'panel spans'}, (children.get('') ?? []).map(s => row(s, 0)));
  const first = t.spans.find(s => messages(s).length > 0) ?? t.spans[0];
  if (first) choose(first, buttons.get(first));
  return h('div', {}, h('div', {class: 'runhead'}, h('h1', {}, t.name || 'Trace ' + short(t.id)), h('span', {class: 'badge ' + (t.state === 'ERROR' ? 'bad' : 'good')}, t.state.toLowerCase()), h('span', {class: 'dim'}, time(t.time), ' · ', took(t.duration), ' · ', count(t.spans.length, 'span')),
    t.metadata['mlflow.sourceRun'] && link({view: 'run', id: t.metadata['mlflow.sourceRun']}, 'run ' + short(t.metadata['mlflow.sourceRun']))),
  t.assessments.length > 0 && h('section', {class: 'panel'}, h('h2', {}, 'Judged'), h('ul', {class: 'changes'}, t.assessments.map(a => h('li', {}, h('span', {class: 'badge'}, a.name), ' ', a.value, a.rationale && h('span', {class: 'dim'}, ' ' + a.rationale), a.by && h('span', {class: 'dim'}, ' by ' + a.by))))),
  t.spans.length === 0 ? state('No spans', 'The trace has not logged what it did, or goes on.') : h('div', {class: 'tracesplit'}, tree, detail));
}

// attributes of a span; their values are JSON in texts.
function attributes(s) {
  const out = {};
  for (const [k, v] of Object.entries(s.content?.attributes ?? {})) {
    if (typeof v !== 'string') { out[k] = v; continue; }
    try { out[k] = JSON.parse(v); } catch { out[k] = v; }
  }
  return out;
}

// messages returns a conversation that a span holds: what was said, by whom. It knows
// the forms of OpenAI's API, Anthropic's, and LangChain's.
function messages(s) {
  const a = attributes(s), out = [];
  const input = a['mlflow.spanInputs'] ?? a['gen_ai.input.messages'] ?? a['input.value'], output = a['mlflow.spanOutputs'] ?? a['gen_ai.output.messages'] ?? a['output.value'];
  const say = m => {
    if (!m || typeof m !== 'object') return;
    const role = m.role ?? {human: 'user', ai: 'assistant'}[m.type] ?? m.type;
    const content = m.content ?? m.parts ?? m.text;
    if (!role || content === undefined && !m.tool_calls) return;
    out.push({role: String(role), text: textIn(content), tools: m.tool_calls});
  };
  if (input?.system) out.push({role: 'system', text: textIn(input.system)});
  const said = Array.isArray(input) ? input.flat() : input?.messages?.flat?.() ?? (Array.isArray(input?.input) ? input.input : null);
  if (!said) return [];
  said.forEach(say);
  if (out.length === 0) return [];
  if (typeof output === 'string') out.push({role: 'assistant', text: output});
  else if (Array.isArray(output?.choices)) output.choices.forEach(c => say(c.message));
  else if (Array.isArray(output)) output.forEach(say);
  else if (Array.isArray(output?.messages)) output.messages.slice(-1).forEach(say);
  else if (output?.role || output?.type === 'ai') say(output);
  else if (output?.content) out.push({role: 'assistant', text: textIn(output.content)});
  return out;
}

// textIn gathers the texts of a content, which may be a list of parts.
function textIn(c) {
  if (c === null || c === undefined) return '';
  if (typeof c === 'string') return c;
  if (Array.isArray(c)) return c.map(textIn).filter(Boolean).join('\n');
  return c.text ?? c.content ?? (c.image_url ? '[image]' : JSON.stringify(c));
}

function spanOf(s) {
  const said = messages(s), a = attributes(s);
  const rest = Object.fromEntries(Object.entries(a).filter(([k]) => !['mlflow.spanInputs', 'mlflow.spanOutputs', 'mlflow.traceRequestId', 'mlflow.spanType', 'mlflow.spanFunctionName'].includes(k)));
  return h('div', {}, h('h2', {class: 'v'}, s.name), said.length > 0 ? conversation(said) : [part('Asked', a['mlflow.spanInputs']), part('Answered', a['mlflow.spanOutputs'])],
    s.content?.events?.length > 0 && part('Events', s.content.events), Object.keys(rest).length > 0 && h('details', {}, h('summary', {}, 'Attributes'), json(rest)),
    said.length > 0 && h('details', {}, h('summary', {}, 'As it was sent'), json({inputs: a['mlflow.spanInputs'], outputs: a['mlflow.spanOutputs']})));
}

const part = (title, value) => value !== undefined && [h('h3', {}, title), typeof value === 'string' ? h('pre', {class: 'quote'}, value) : json(value)];

// conversation shows what was said, as people read it.
export function conversation(said) {
  return h('div', {class: 'talk'}, said.map(m => h('div', {class: 'said by-' + (['user', 'assistant', 'system', 'tool'].includes(m.role) ? m.role : 'other')}, h('span', {class: 'who'}, m.role), h('div', {class: 'v what'}, m.text),
    m.tools?.length > 0 && m.tools.map(t => h('pre', {class: 'call'}, (t.function?.name ?? t.name ?? 'tool') + '(' + (t.function?.arguments ?? JSON.stringify(t.args ?? t.input ?? '')) + ')')))));
}
