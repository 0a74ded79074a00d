-- Leads requests that belong to a preview to its tables: those of clients who name one, and those of
-- services which hand on its key. The scope key of both says no more than that there is something to
-- look at, so that they find no route by themselves; on_miss.lua, which comes next, is told by the header
-- x-nuncio-select that they were led to another table: a dash if a look found out already what it has,
-- else a star, or the key of a preview that has something of its own for every host.
--
-- TRUST, CLASS, DOMAIN, HEADERS and HOSTS are written above: who is believed ("public" or "internal"), what the
-- scope keys of the listener's class end with, below what previews have their hosts, the headers in
-- which services are told a key, and the hosts at which clients may choose. So is what baggage.lua, share.lua and
-- choose.lua have.

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

-- The preview's own host, where it has something of this one.
local function own_host(handle, host, selector)
  return selector:match("^[a-z0-9%-]+$") and sign(handle, host, "=" .. selector)
end

-- Whether a host is that of a preview, or of none.
local function is_for_previews(host)
  local label = host:sub(-#DOMAIN) == DOMAIN and host:sub(1, -#DOMAIN - 1)
  return label and label:match("^[^.]+%.$")
end

-- Whether clients may choose a preview at a host: at those that the policy names, by a name or a glob whose star
-- never stands for nothing. At a preview's own host that has chosen.
local function may_be_chosen(host)
  if is_for_previews(host) then
    return false
  end
  for _, name in ipairs(HOSTS) do
    local head, tail = name:match("^%*(.*)$"), name:match("^(.*)%*$")
    local is_longer = #host >= #name
    local is_meant = head and is_longer and (head == "" or host:sub(-#head) == head)
      or tail and is_longer and host:sub(1, #tail) == tail
    if is_meant or host == name then
      return true
    end
  end
  return false
end

-- Clients name a preview by its selector, whose table is called as the preview's own host: the gate
-- stands there.
local function from_client(handle, host)
  local headers, may = handle:headers(), may_be_chosen(host)
  local selector = may and headers:get("x-nuncio-select") or nil
  -- What lets somebody see a preview at its own host stays there.
  local chosen = COOKIE and not is_for_previews(host) and take_choice(headers, selector)
  take_share(headers)
  selector = selector or may and chosen
  keep_from_client(headers)
  if not selector then
    to_baseline(handle, host)
    if not handle:virtualHost():metadata():get("own") then
      headers:remove("x-nuncio-share")
    end
    return
  end
  local own = own_host(handle, host, selector)
  if own then
    -- The baseline has the same URLs: no cache may take the one for the other.
    handle:streamInfo():dynamicMetadata():set("nuncio.select", "cache-control", "no-store")
  end
  lead(handle, own or "?", own and "" or "?")
end

-- Services hand on a key. The table that stands for it is called as the hosts at which the preview has
-- something of its own; elsewhere the baseline answers, and the key goes on.
local function from_service(handle, host)
  local headers = handle:headers()
  if COOKIE then
    take_choice(headers)
  end
  take_share(headers)
  headers:remove("x-nuncio-share")
  local key, foreign = keep_from_service(headers)
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
  local path = (headers:get(":path") or ""):match("^[^?]*")
  if not COOKIE or path ~= CHOICE or not counts(headers) or not may_be_chosen(host) then
    return from_client(handle, host)
  end
  local is_there = function(selector)
    return own_host(handle, host, selector)
  end
  if not answer_choice(handle, is_there) then
    lead(handle, "?", "?")
  end
end
