-- Asks a person before a link changes what he is shown at a host: any page of the world may lead to one.

local function escaped(text)
  return (text:gsub("[&<>\"']", function(character)
    return ("&#%d;"):format(character:byte())
  end))
end

local function encoded(text)
  return (text:gsub("[^%w%-_.~/]", function(character)
    return ("%%%02X"):format(character:byte())
  end))
end

-- Whether a page of the host itself has said so, or the answer to the question: no page of another host can.
-- A browser that does not tell from where a request is tells the origin of a form. Cookies know no ports.
local function is_own_wish(headers, scheme)
  local site, is_answer = headers:get("sec-fetch-site"), headers:get(":method") == "POST"
  if site then
    return site == "same-origin" and (is_answer or headers:get("sec-fetch-mode") == "navigate")
  end
  local origin = (headers:get("origin") or ""):lower():gsub(":%d+$", "")
  return is_answer and origin == scheme .. "://" .. headers:get(":authority"):lower()
end

-- A form that does what `query` says; without scripts, and in nobody's frame.
local function ask(handle, title, text, yes, query, path)
  local page = '<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content="width=device-width">'
    .. "<title>" .. title .. "</title><style>:root{color-scheme:light dark}a{color:inherit}body{font:16px/1.5 system-ui,sans-serif;"
    .. "max-width:36rem;margin:20vh auto;padding:0 1rem}button{font:inherit;padding:.5rem 1rem;margin-right:1rem}"
    .. "code{overflow-wrap:anywhere}</style><main><h1>" .. title .. "</h1><p>" .. text
    .. '</p><form method=post action="' .. escaped(query) .. '"><button>' .. yes .. '</button><a href="'
    .. escaped(path) .. '">No, change nothing</a></form></main></html>\n'
  handle:respond({[":status"] = "200", ["content-type"] = "text/html; charset=utf-8", ["cache-control"] = "no-store",
    ["content-security-policy"] = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
    ["x-frame-options"] = "DENY", ["referrer-policy"] = "same-origin", ["x-robots-tag"] = "noindex"}, page)
end

