-- Where requests of a preview are from. Services know their own hosts alone: what comes from one of the preview's
-- hosts they are told as coming from the host that it stands for, so that what has one origin, or two, still has. What
-- comes from elsewhere they are told as it is, but for what would look like their own: that is of nobody.
--
-- `hosts` has the origin of each of the preview's hosts by the name that services know, and `host` is that of the one
-- that was asked for.

local ALLOWED = "access-control-allow-origin"

-- The origin that services know for one of the preview's.
local function known_origin(origin, hosts)
  for host, own in pairs(hosts) do
    if own == origin:lower() then
      return own:match("^%a+://") .. host
    end
  end
  return nil
end

local function is_at(origin, host)
  return origin:lower():match("^%a+://([^:]*)") == host
end

-- Gives whether the request is from elsewhere.
local function put_origins(headers, hosts, host)
  local referer = headers:get("referer")
  local place, rest = (referer or ""):match("^(%a+://[^/?#]*)(.*)$")
  local known = place and known_origin(place, hosts)
  if known then
    headers:replace("referer", known .. rest)
  elseif place and is_at(place, host) then
    headers:remove("referer")
  end
  local origin = headers:get("origin")
  known = origin and known_origin(origin, hosts)
  if known then
    headers:replace("origin", known)
  elseif origin and is_at(origin, host) then
    headers:replace("origin", "null")
  end
  return origin and not known
end

-- Who is let read an answer: of the hosts that services know those that stand for them here.
local function put_back_origin(headers, hosts)
  local allowed = headers:get(ALLOWED)
  for host, own in pairs(allowed and hosts or {}) do
    if allowed:lower() == own:match("^%a+://") .. host then
      headers:replace(ALLOWED, own)
    end
  end
end

