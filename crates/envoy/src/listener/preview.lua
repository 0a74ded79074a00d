-- Keeps what services say of their own host within a preview, whose host is another: redirects lead to
-- the preview, and cookies belong to it alone, whatever names they are meant for. It comes after the filters that
-- find routes, since only the route tells whether a request is one of a preview at the preview's own host: at the
-- baseline's host, where a header or a cookie chooses previews, all is as services say it.
--
-- And it keeps keys that services hand on from third parties, to which a route of the baseline may lead.
--
-- HEADERS, those in which services are told a key, and `take_share` are written above.

-- The URL within the preview.
local function moved(url, host, origin)
  local authority, rest = url:match("^[Hh][Tt][Tt][Pp][Ss]?://([^/?#]*)(.*)$")
  if not authority then
    authority, rest = url:match("^//([^/?#]*)(.*)$")
  end
  local name = authority and authority:lower():gsub(":%d+$", "")
  return name == host and origin .. rest or nil
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
local function is_own(handle)
  local origin = handle:virtualHost():metadata():get("origin")
  local host = handle:headers():get(":authority")
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

function envoy_on_request(handle)
  -- Has Envoy look the route up to which the request was led.
  handle:metadata()
  if is_own(handle) then
    take_share(handle:headers())
    handle:streamInfo():dynamicMetadata():set("nuncio.preview", "own", true)
  elseif handle:virtualHost():metadata():get("ended") then
    take_share(handle:headers())
  elseif handle:headers():get(HEADERS[1]) and leads_to_stranger(handle) then
    drop_key(handle:headers())
  end
end

function envoy_on_response(handle)
  if not handle:streamInfo():dynamicMetadata():get("nuncio.preview") then
    return
  end
  local headers, preview = handle:headers(), handle:virtualHost():metadata()
  local location = headers:get("location")
  local within = location and moved(location, preview:get("host"), preview:get("origin"))
  if within then
    headers:replace("location", within)
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
