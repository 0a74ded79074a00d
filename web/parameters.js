// How what is filled in for parameters stands in a request, by place, style and explode: as the samples of the page have it.

// As a part of a URL, whatever it holds (RFC 3986).
const escaped = (text) => encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
// Reserved characters stay, but for those that would end the parameter or the query.
const keepingReserved = (text) => [...text].map((c) => (":/?@!$'()*,;".includes(c) ? c : escaped(c))).join('');
// What is between the items of a list, in URLs and in headers.
const BETWEEN = { spaceDelimited: ['%20', ' '], tabDelimited: ['%09', '\t'], pipeDelimited: ['%7C', '|'] };

const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);

function asText(value) {
  if (Array.isArray(value)) return value.map(asText).join(',');
  return isObject(value) ? JSON.stringify(value) : String(value);
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

// What a field holds: a text, a list (with commas, or as JSON), or an object. Of what is no object, nothing.
function valueIn({ value, dataset: { kind } }) {
  if (kind === 'object') return isObject(parsed(value)) ? parsed(value) : undefined;
  if (kind !== 'list') return value;
  const list = parsed(value);
  return Array.isArray(list) ? list : value.split(',');
}

// Where a value has its name beside it: pairs of a name, and of a value as a URL has it.
function pairsOf({ name, style, explode }, value, escape, joined) {
  const deep = (inner, item) => {
    if (isObject(item)) return Object.entries(item).flatMap(([key, of]) => deep(`${inner}[${key}]`, of));
    return Array.isArray(item) ? item.flatMap((one) => deep(inner, one)) : [[inner, escape(asText(item))]];
  };
  if (isObject(value) && style === 'deepObject') return deep(name, value);
  if (explode && Array.isArray(value)) return value.map((item) => [name, escape(asText(item))]);
  if (explode && isObject(value)) return Object.entries(value).map(([key, item]) => [key, escape(asText(item))]);
  return [[name, joined]];
}

// A value as a request has it: of a path and a header a text, of a query pairs.
function written({ place, name, style, explode, reserved }, given) {
  const of = { name, style, explode: explode !== undefined };
  const value = style === 'content' && typeof given !== 'string' ? JSON.stringify(given) : given;
  const escape = [keepingReserved, escaped, String][place === 'header' ? 2 : Number(reserved === undefined)];
  const between = BETWEEN[style]?.[Number(place === 'header')] ?? ',';
  const joined = (outer, inner) => {
    if (Array.isArray(value)) return value.map((item) => escape(asText(item))).join(outer);
    if (!isObject(value)) return escape(asText(value));
    const fields = Object.entries(value).map(([key, item]) => escape(key) + (of.explode ? '=' : inner) + escape(asText(item)));
    return fields.join(of.explode ? outer : inner);
  };
  const pairs = () => pairsOf(of, value, escape, joined(between, between));
  if (place === 'query') return pairs();
  if (place !== 'path') return joined(between, between);
  if (style === 'label') return `.${joined(of.explode ? '.' : ',', ',')}`;
  if (style === 'matrix') return pairs().map(([key, item]) => `;${escaped(key)}=${item}`).join('');
  return joined(between, between);
}
