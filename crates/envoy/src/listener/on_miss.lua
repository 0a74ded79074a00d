-- Looks further where a request has found no route: host names are case-insensitive but scope keys
-- are not, and what no table of an exact host takes belongs to the table of the wildcards.
--
-- PREVIEWS, TRUST and CLASS are written above: whether requests may belong to previews, who is believed about
-- them ("public" or "internal"), and what the scope keys of the listener's class end with. So is what baggage.lua
-- has.

-- Whether the route allows what the request asks to switch to. Envoy decides that before this filter
-- has found the route, so the route says it a second time, in its metadata.
local function may_upgrade(handle)
  local headers = handle:headers()
  local protocol, connection = headers:get("upgrade"), headers:get("connection")
  if not protocol or not connection or not connection:lower():find("upgrade", 1, true) then
    return true
  end
  -- The first looks for the route, if it is the first time; the second tells of the one that there is now.
  handle:metadata()
  local allowed = handle:route():metadata():get("upgrades")
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

-- Whether the route that was found hides logins: its script for this filter was not looked for before.
local function hides_logins(handle)
  if not handle:headers():get("cookie") then
    return false
  end
  handle:metadata()
  local route = handle:route()
  return route and route:metadata():get("hides_logins")
end

local function lead(handle, host, rest)
  handle:headers():replace("x-nuncio-scope", host .. rest)
  handle:clearRouteCache()
end

-- Looks for the route in the tables that are left; gives the status of a request that none may take. `led`
-- is there where select.lua has led the request to a table in which nobody has looked: a key for that of
-- the wildcards, or a star.
local function find(handle, led)
  local asked = handle:headers():get("x-nuncio-scope")
  local host, rest = (asked or ""):match("^([^|]*)(|.*)$")
  if not host then
    return nil
  end
  local is_answered = led and rest == "|?" .. CLASS
  if not is_answered and not is_host(host) then
    return "400"
  end
  local lower = host:lower()
  if led or lower ~= host then
    lead(handle, lower, rest)
    -- Envoy looks a route up again only when something needs it: metadata() does, the first time, and
    -- routeName() does not.
    handle:metadata()
    if handle:streamInfo():routeName() ~= "" then
      return nil
    end
    if rest ~= "|" .. CLASS then
      return "404"
    end
  end
  lead(handle, "*", "|" .. (led and led ~= "*" and led or "") .. CLASS)
  return nil
end

-- Where there are no previews nobody looks at what a request says of one: no client's word of it goes further, and
-- the key that a service hands on is nobody's, and so never the baseline's. Gives how it was led, and a status.
local function without_previews(handle)
  local headers = handle:headers()
  local asked = headers:get("x-nuncio-scope")
  local host = asked and asked:match("^[^|]*")
  if not host or asked == host .. "|" .. CLASS then
    return nil, nil
  end
  headers:replace("x-nuncio-scope", host .. "|" .. CLASS)
  if TRUST == "internal" then
    return "*", keep_from_service(headers) and "404"
  end
  keep_from_client(headers)
  return "*", nil
end

function envoy_on_request(handle)
  local headers = handle:headers()
  local led, status = PREVIEWS and headers:get("x-nuncio-select"), nil
  if not PREVIEWS then
    led, status = without_previews(handle)
  end
  local is_found = handle:streamInfo():routeName() ~= ""
  if is_found and not led then
    return
  end
  if led then
    headers:remove("x-nuncio-select")
  end
  -- A dash: there was a look already.
  if not status and (led ~= "-" or not is_found) then
    status = find(handle, led ~= "-" and led or nil)
  end
  if not status and not may_upgrade(handle) then
    status = "403"
  end
  if status then
    handle:respond({[":status"] = status}, status == "404" and "There is no such preview.\n" or "")
  elseif hides_logins(handle) then
    hide_logins(handle)
  end
end
