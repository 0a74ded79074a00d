-- What requests have in their baggage (W3C Baggage), of which the key of a preview is one member.

-- How much of it is read: W3C Baggage asks for no more. What is beyond goes no further.
local MOST = 8192

-- The members of baggage that are no business of previews, each behind a comma, the key in it, and the name of a preview,
-- which is for a mesh and proof of nothing. Of two of a kind the first counts (W3C Baggage leaves it open).
local function divided(baggage)
  local foreign, key, preview = {}, nil, nil
  if #baggage > MOST then
    baggage = baggage:sub(1, MOST + 1):match("^(.*),") or ""
  end
  for member in baggage:gmatch("[^,]+") do
    local name, value = member:match("^%s*([^=;%s]*)%s*=%s*([^;%s]*)")
    if name == "nuncio-preview" then
      key = key or value
    elseif name == "nuncio-preview-name" then
      preview = preview or value
    elseif member:find("%S") then
      foreign[#foreign + 1] = "," .. member:match("^%s*(.-)%s*$")
    end
  end
  return table.concat(foreign), key, preview
end

local function put(headers, name, value)
  if value ~= "" then
    headers:replace(name, value)
  else
    headers:remove(name)
  end
end

-- What a client has said, but for a key and a name, which nobody believes: whole for the baseline, and to be put behind
-- what a preview has to say.
local function keep_from_client(headers)
  local foreign = divided(headers:get("x-nuncio-baggage") or "")
  put(headers, "baggage", foreign:sub(2))
  put(headers, "x-nuncio-baggage", foreign)
end

-- What a service has said; gives the key that it hands on, wherever it stands, and what goes on beside it. A preview says
-- its own name behind its key.
local function keep_from_service(headers)
  local lines = {}
  for at = 0, headers:getNumValues("baggage") - 1 do
    lines[#lines + 1] = headers:getAtIndex("baggage", at)
  end
  local foreign, key, preview = divided(table.concat(lines, ","))
  local said = headers:get("x-nuncio-preview")
  local named = (preview and ",nuncio-preview-name=" .. preview or "") .. foreign
  key = said and said ~= "" and said or key
  -- What goes on beside a key is said where it is known who is told.
  put(headers, "baggage", (key and foreign or named):sub(2))
  put(headers, "x-nuncio-baggage", foreign)
  return key, named
end

