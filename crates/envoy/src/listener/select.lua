-- Leads requests that belong to a preview to its tables: those of clients who name one, and those of
-- services which hand on its key. The scope key of both says no more than that there is something to
-- look at, so that they find no route by themselves; on_miss.lua, which comes next, is told by the header
-- x-nuncio-select that they were led to another table: a dash if a look found out already what it has,
-- else a star, or the key of a preview that has something of its own for every host.
--
-- TRUST, CLASS, DOMAIN and HEADERS are written above: who is believed ("public" or "internal"), what the
-- scope keys of the listener's class end with, below what previews have their hosts, and the headers in
-- which services are told a key. So are `take_share`, and what choose.lua has.

local function lead(handle, host, preview)
  handle:headers():replace("x-nuncio-scope", host .. "|" .. preview .. CLASS)
  handle:headers():replace("x-nuncio-select", "*")
  handle:clearRouteCache()
end

-- Leads who names no preview: to the baseline, or to that whose own host it is.
local function to_baseline(handle, host)
  lead(handle, host, "")
  handle:metadata()
  handle:headers():replace("x-nuncio-select", "-")
end

-- What the table calls itself that stands for a preview; nothing where there is none. Envoy makes what
-- this is read from once for a request, so it is good for one look.
local function sign(handle, host, preview)
  lead(handle, host, preview)
  handle:metadata()
  return handle:virtualHost():metadata():get("preview")
end

-- The members of baggage that are no business of previews, each behind a comma, and the key in it. Of
-- two keys the first counts (W3C Baggage leaves it open).
local function divided(baggage)
  local foreign, key = "", nil
  for member in baggage:gmatch("[^,]+") do
    local name, value = member:match("^%s*([^=;%s]*)%s*=%s*([^;%s]*)")
    if name == "nuncio-preview" then
      key = key or value
    elseif member:find("%S") then
      foreign = foreign .. "," .. member:match("^%s*(.-)%s*$")
    end
  end
  return foreign, key
end

local function put(headers, name, value)
  if value ~= "" then
    headers:replace(name, value)
  else
    headers:remove(name)
  end
end

-- Keeps what is none of the gateway's business: whole for the baseline, and to be put behind what a
-- preview has to say.
local function keep(headers, foreign)
  put(headers, "baggage", foreign:sub(2))
  put(headers, "x-nuncio-baggage", foreign)
end

-- The preview's own host, where it has something of this one.
local function own_host(handle, host, selector)
  return selector:match("^[a-z0-9%-]+$") and sign(handle, host, "=" .. selector)
end

-- Clients name a preview by its selector, whose table is called as the preview's own host: the gate
-- stands there.
local function from_client(handle, host)
  local headers = handle:headers()
  local selector = headers:get("x-nuncio-select")
  local chosen = COOKIE and take_choice(headers, selector)
  take_share(headers)
  selector = selector or chosen
  keep(headers, (divided(headers:get("x-nuncio-baggage") or "")))
  if not selector then
    to_baseline(handle, host)
    if not handle:virtualHost():metadata():get("own") then
      headers:remove("x-nuncio-share")
    end
    return
  end
  local own = own_host(handle, host, selector)
  lead(handle, own or "?", own and "" or "?")
end

-- Services hand on a key. The table that stands for it is called as the hosts at which the preview has
-- something of its own; elsewhere the baseline answers, and the key goes on.
local function from_service(handle, host)
  local headers, lines = handle:headers(), {}
  if COOKIE then
    take_choice(headers)
  end
  take_share(headers)
  headers:remove("x-nuncio-share")
  for at = 0, headers:getNumValues("baggage") - 1 do
    lines[#lines + 1] = headers:getAtIndex("baggage", at)
  end
  local foreign, key = divided(table.concat(lines, ","))
  local said = headers:get("x-nuncio-preview")
  key = said and said ~= "" and said or key
  keep(headers, foreign)
  if not key then
    return to_baseline(handle, host)
  end
  local hosts = key:match("^npk[a-z2-7]+$") and sign(handle, "?", key)
  if not hosts then
    return lead(handle, "?", "?")
  end
  local has = function(name)
    return (hosts .. ","):find("," .. name .. ",", 1, true)
  end
  if has(host) then
    return lead(handle, host, key)
  end
  for _, name in ipairs(HEADERS) do
    headers:replace(name, key)
  end
  headers:replace("baggage", "nuncio-preview=" .. key .. foreign)
  lead(handle, host, "")
  if has("*") then
    headers:replace("x-nuncio-select", key)
  end
end

-- Whether a request may belong to a preview: where its scope key says so, or what it says of a choice.
local function may_belong(headers, asked, host, route)
  return asked ~= host .. "|" .. CLASS or route == CHOOSING or COOKIE and may_choose(headers)
end

-- Whether a host is that of a preview, or of none.
local function is_for_previews(host)
  local label = host:sub(-#DOMAIN) == DOMAIN and host:sub(1, -#DOMAIN - 1)
  return label and label:match("^[^.]+%.$")
end

function envoy_on_request(handle)
  local headers, route = handle:headers(), handle:streamInfo():routeName()
  local asked = headers:get("x-nuncio-scope")
  local host = asked and asked:match("^[^|]*")
  if not host or route ~= "" and route ~= CHOOSING then
    return
  end
  -- Where the table of a host has been found, a filter of its own does so.
  if is_for_previews(host:lower()) then
    take_share(headers)
  end
  if not may_belong(headers, asked, host, route) then
    return
  end
  host = host:lower()
  if TRUST == "internal" then
    return from_service(handle, host)
  end
  local is_choice = COOKIE and counts(headers) and (headers:get(":path") or ""):match("^[^?]*") == CHOICE
  if not is_choice then
    return from_client(handle, host)
  end
  local is_there = function(selector)
    return own_host(handle, host, selector)
  end
  if not answer_choice(handle, is_there) then
    lead(handle, "?", "?")
  end
end
