-- Looks further where a request has found no route: host names are case-insensitive but scope keys
-- are not, and what no table of an exact host takes belongs to the table of the wildcards.

-- Tries the table of `key`. Envoy looks a route up again only when something needs it after the
-- cache is cleared; metadata() does, routeName() does not.
local function look(handle, key)
  handle:headers():replace("x-nuncio-scope", key)
  handle:clearRouteCache()
  handle:metadata()
  return handle:streamInfo():routeName() ~= ""
end

-- Whether the route allows what the request asks to switch to. Envoy decides that before this filter
-- has found the route, so the route says it a second time, in its metadata.
local function may_upgrade(handle)
  local headers = handle:headers()
  local protocol, connection = headers:get("upgrade"), headers:get("connection")
  if not protocol or not connection or not connection:lower():find("upgrade", 1, true) then
    return true
  end
  local allowed = handle:metadata():get("upgrades")
  return allowed and allowed[protocol:lower()]
end

local function find(handle)
  local key = handle:headers():get("x-nuncio-scope")
  local bar = key and key:find("|", 1, true)
  if not bar then
    return
  end
  local host, rest = key:sub(1, bar - 1), key:sub(bar)
  local lower = host:lower()
  if lower ~= host and look(handle, lower .. rest) then
    return
  end
  look(handle, "*" .. rest)
end

function envoy_on_request(handle)
  if handle:streamInfo():routeName() ~= "" then
    return
  end
  find(handle)
  if not may_upgrade(handle) then
    handle:respond({[":status"] = "403"}, "")
  end
end
