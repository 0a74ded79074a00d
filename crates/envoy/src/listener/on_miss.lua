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

-- Whether a host is a name or an address. What is neither (two names in one, an empty label, user
-- information) would be served by a wildcard here and be read as an exact name by an upstream.
local function is_host(host)
  if host:match("^%[[%x:%.]+%]$") then
    return true
  end
  return host:match("^[%w%-_%.]+$") and not host:match("^%.") and not host:match("%.$")
    and not host:find("..", 1, true)
end

-- Looks for the route in the tables that are left; gives the status of a request that none may take.
local function find(handle)
  local key = handle:headers():get("x-nuncio-scope")
  local bar = key and key:find("|", 1, true)
  if not bar then
    return nil
  end
  local host, rest = key:sub(1, bar - 1), key:sub(bar)
  if not is_host(host) then
    return "400"
  end
  local lower = host:lower()
  if lower ~= host and look(handle, lower .. rest) then
    return nil
  end
  look(handle, "*" .. rest)
  return nil
end

function envoy_on_request(handle)
  if handle:streamInfo():routeName() ~= "" then
    return
  end
  local status = find(handle)
  if not status and not may_upgrade(handle) then
    status = "403"
  end
  if status then
    handle:respond({[":status"] = status}, "")
  end
end
