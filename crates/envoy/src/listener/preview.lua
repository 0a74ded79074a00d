-- Keeps what services say of their own hosts within a preview, whose hosts are others: redirects lead to
-- the preview, and cookies belong to it alone, whatever names they are meant for; and tells services which compare
-- where a request is from with their host what they would see without a preview (`origin.lua`). It comes after the
-- filters that find routes, since only the route tells whether a request is one of a preview at the preview's own
-- host: at the baseline's host, where a header or a cookie chooses previews, all is as services say it.
--
-- It keeps streams of previews within their bounds; and keys that services hand on from third parties, to which a route
-- of the baseline may lead.
--
-- HEADERS, those in which services are told a key, `take_share`, `hide_logins` of passes by links, and what origin.lua has are
-- written above.

-- How long an upstream may take for all of a request, which Envoy's router takes out.
local MOST = "x-envoy-upstream-stream-duration-ms"

-- Where a login begins at the host that deals with the provider for all others: a preview's host is none that the provider
-- would lead back to.
local LOGIN = "^/%.ambassador/oauth2/start%?"

-- The URL within the preview, if it is one of a host that the preview has.
local function moved(url, hosts)
  local authority, rest = url:match("^[Hh][Tt][Tt][Pp][Ss]?://([^/?#]*)(.*)$")
  if not authority then
    authority, rest = url:match("^//([^/?#]*)(.*)$")
  end
  local origin = authority and not rest:find(LOGIN) and hosts[(authority:lower():gsub(":%d+$", ""))]
  return origin and origin .. rest
end

-- The same of what leads on after a while. Of a URL in quotes browsers read nothing that is behind them.
local function moved_refresh(text, hosts)
  local said = text:match("^.*%S") or ""
  local head, rest = said:match("^(%s*[%d.]+%s*[;,]%s*)(.*)$")
  if not head then
    return nil
  end
  local name, named = rest:match("^([Uu][Rr][Ll]%s*=%s*)(.*)$")
  local quote, quoted, tail = (named or rest):match("^([\"'])([^\"']*)(.*)$")
  local within = moved(quoted or named or rest, hosts)
  return within and head .. (name or "") .. (quote or "") .. within .. (tail or "")
end

-- A cookie without its Domain: it is then the preview's own.
local function own_cookie(cookie)
  local kept = {}
  for part in cookie:gmatch("[^;]+") do
    if #kept == 0 or not part:lower():match("^%s*domain%s*=") then
      kept[#kept + 1] = part
    end
  end
  return table.concat(kept, ";")
end

-- Whether a preview is asked for at its own host.
local function is_own(headers, preview)
  local origin, host = preview:get("origin"), headers:get(":authority")
  return origin and host and origin:match("^%a+://([^:/]+)") == host:lower()
end

local function leads_to_stranger(handle)
  local route = handle:route()
  return route and route:metadata():get("stranger")
end

-- Takes a key out of a request, and leaves what is none: select.lua has set it apart.
local function drop_key(headers)
  local foreign = headers:get("x-nuncio-baggage")
  for _, name in ipairs(HEADERS) do
    headers:remove(name)
  end
  headers:remove("baggage")
  if foreign then
    headers:add("baggage", foreign:sub(2))
  end
end

-- What let a request in does not last for ever, and neither does the preview.
local function bound(headers, preview)
  local longest, last = preview:get("longest"), preview:get("end")
  if longest then
    local left = last and last - os.time() or longest
    headers:replace(MOST, ("%.0f"):format(math.max(1, math.min(longest, left)) * 1000))
  end
end

function envoy_on_request(handle)
  -- Has Envoy look the route up to which the request was led.
  handle:metadata()
  local headers, preview = handle:headers(), handle:virtualHost():metadata()
  bound(headers, preview)
  if preview:get("linkless") then
    hide_logins(handle)
  end
  if is_own(headers, preview) then
    take_share(headers)
    local is_foreign = put_origins(headers, preview:get("hosts"), preview:get("host"))
    handle:streamInfo():dynamicMetadata():set("nuncio.preview", "own", is_foreign and "foreign" or "own")
  elseif preview:get("ended") then
    take_share(headers)
  elseif headers:get(HEADERS[1]) and leads_to_stranger(handle) then
    drop_key(headers)
  end
end

function envoy_on_response(handle)
  local said = handle:streamInfo():dynamicMetadata():get("nuncio.preview")
  if not said then
    return
  end
  local headers, hosts = handle:headers(), handle:virtualHost():metadata():get("hosts")
  for name, move in pairs({["location"] = moved, ["content-location"] = moved, ["refresh"] = moved_refresh}) do
    local value = headers:get(name)
    local within = value and move(value, hosts)
    if within then
      headers:replace(name, within)
    end
  end
  if said.own == "own" then
    put_back_origin(headers, hosts)
  end
  local cookies = {}
  for at = 0, headers:getNumValues("set-cookie") - 1 do
    cookies[#cookies + 1] = own_cookie(headers:getAtIndex("set-cookie", at))
  end
  if #cookies > 0 then
    headers:remove("set-cookie")
  end
  for _, cookie in ipairs(cookies) do
    headers:add("set-cookie", cookie)
  end
end
