-- What requests have in their baggage (W3C Baggage), of which the key of a preview is one member.

-- How much of it is read: W3C Baggage asks for no more. What is beyond goes no further.
local MOST = 8192

-- The members of baggage that are no business of previews, each behind a comma, and the key in it. Of
-- two keys the first counts (W3C Baggage leaves it open).
local function divided(baggage)
  local foreign, key = {}, nil
  if #baggage > MOST then
    baggage = baggage:sub(1, MOST + 1):match("^(.*),") or ""
  end
  for member in baggage:gmatch("[^,]+") do
    local name, value = member:match("^%s*([^=;%s]*)%s*=%s*([^;%s]*)")
    if name == "nuncio-preview" then
      key = key or value
    elseif member:find("%S") then
      foreign[#foreign + 1] = "," .. member:match("^%s*(.-)%s*$")
    end
  end
  return table.concat(foreign), key
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

-- What a client has said, but for a key, which nobody believes.
local function keep_from_client(headers)
  keep(headers, (divided(headers:get("x-nuncio-baggage") or "")))
end

-- What a service has said; gives the key that it hands on, wherever it stands.
local function keep_from_service(headers)
  local lines = {}
  for at = 0, headers:getNumValues("baggage") - 1 do
    lines[#lines + 1] = headers:getAtIndex("baggage", at)
  end
  local foreign, key = divided(table.concat(lines, ","))
  local said = headers:get("x-nuncio-preview")
  keep(headers, foreign)
  return said and said ~= "" and said or key, foreign
end

