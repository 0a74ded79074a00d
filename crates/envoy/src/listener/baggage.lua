-- What requests have in their baggage (W3C Baggage), of which the key of a preview is one member.

-- How much of it is read: W3C Baggage asks for no more. What is beyond goes no further.
local MOST, MOST_MEMBERS = 8192, 512

-- How much of it stands beside a key and a name: readers drop all of a baggage that is longer than the above, or has more
-- than 180 members, and the key with it.
local MOST_BESIDE, MEMBERS_BESIDE = MOST - 512, 178

local OURS = {["nuncio-preview"] = true, ["nuncio-preview-name"] = true}

-- Without space at both ends, in time that grows no faster than the text.
local function trimmed(text)
  local from = text:find("%S")
  return from and text:match(".*%S", from) or ""
end

local function decoded(code)
  return string.char(tonumber(code, 16))
end

-- Whether the most liberal of readers has a member as one of ours: some services decode keys and values, or take away what is
-- around them, before they hand them on, and what they have decoded may be several members to the next.
local function looks_like_ours(member)
  local plain = member:gsub("%%(%x%x)", decoded):lower():gsub("[^a-z0-9%-,;=]", "")
  for part in plain:gmatch("[^,]+") do
    if OURS[part:match("^[;=]*([^;=]*)")] then
      return true
    end
  end
  return false
end

-- Whether any member may be one of ours, or look like one: most baggage has none, and none is looked at any closer then.
local function may_have_ours(baggage)
  return baggage:find("%", 1, true) or baggage:lower():find("nuncio", 1, true)
end

-- The members of baggage that are no business of previews, each behind a comma, the key in it, and the name of a preview,
-- which is for a mesh and proof of nothing. Of two of a kind the first counts (W3C Baggage leaves it open); what only looks
-- like one of them is nobody's.
local function divided(baggage)
  local foreign, key, preview = {""}, nil, nil
  if #baggage > MOST then
    baggage = baggage:sub(1, MOST + 1):match("^(.*),") or ""
  end
  local is_suspect, left = may_have_ours(baggage), MOST_MEMBERS
  for part in baggage:gmatch("[^,]+") do
    if left == 0 then
      break
    end
    left = left - 1
    local member = trimmed(part)
    local name, value
    if is_suspect then
      name, value = member:match("^([^=;%s]*)%s*=%s*([^;%s]*)")
    end
    if name == "nuncio-preview" then
      key = key or value
    elseif name == "nuncio-preview-name" then
      preview = preview or value
    elseif member ~= "" and not (is_suspect and looks_like_ours(member)) then
      foreign[#foreign + 1] = member
    end
  end
  return table.concat(foreign, ","), key, preview
end

-- The first members of `foreign` that have room beside a key.
local function beside_key(foreign)
  local size, members = 0, 0
  for member in foreign:gmatch(",[^,]+") do
    if members == MEMBERS_BESIDE or size + #member > MOST_BESIDE then
      break
    end
    size, members = size + #member, members + 1
  end
  return foreign:sub(1, size)
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
  put(headers, "x-nuncio-baggage", beside_key(foreign))
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

