-- Choosing a preview by a cookie, at the host of the baseline.
--
-- COOKIE is written above: "secure" where HTTPS alone counts, "any" where clear text does too, or nothing. So is what
-- question.lua and baggage.lua have.

local CHOICE = "/.nuncio/preview"

-- The routes of a baseline's table for requests that say something of a choice.
local CHOOSING = "nuncio/choose"

local function is_secure(headers)
  return headers:get("x-forwarded-proto") == "https"
end

-- Whether a choice of this request counts.
local function counts(headers)
  return COOKIE == "any" or is_secure(headers)
end

-- Its name: by HTTPS that which only the host itself can set, no host below it and nothing in clear text.
local function cookie_name(headers)
  return (is_secure(headers) and "__Host-" or "") .. "nuncio_preview"
end

-- The cookies of a request, and the name of each without the prefix that browsers know.
local function cookies(headers)
  local found = {}
  for line = 0, headers:getNumValues("cookie") - 1 do
    for cookie in headers:getAtIndex("cookie", line):gmatch("[^;]+") do
      local text = trimmed(cookie)
      local name = text:match("^[^=]*")
      found[#found + 1] = {text = text, name = name, bare = name:gsub("^__Host%-", ""), value = text:match("=(.*)$")}
    end
  end
  return found
end

local function is_pass(cookie)
  return cookie.bare:match("^nuncio_share%.") ~= nil
end

-- Takes the choice out of a request, whoever has set it and whether or not it counts, and all passes to previews with it but
-- that to the preview which is chosen, by `selector` where somebody says so elsewhere: they are no business of others.
local function take_choice(headers, selector)
  local name, all, chosen, kept = counts(headers) and cookie_name(headers), cookies(headers), nil, {}
  for _, cookie in ipairs(all) do
    if cookie.name == name and cookie.value ~= "" then
      chosen = chosen or cookie.value
    end
  end
  local named = selector or chosen
  for _, cookie in ipairs(all) do
    local is_wanted = not is_pass(cookie) or named and cookie.bare == "nuncio_share." .. named
    if cookie.bare ~= "nuncio_preview" and is_wanted then
      kept[#kept + 1] = cookie.text
    end
  end
  if #kept < #all then
    headers:remove("cookie")
    if #kept > 0 then
      headers:add("cookie", table.concat(kept, "; "))
    end
  end
  return chosen
end

-- Whether a request says something of a choice, where no route of its host's table has found that out.
local function may_choose(headers)
  local path = headers:get(":path") or ""
  return (headers:get("cookie") or ""):find("nuncio_", 1, true) or path:find("nuncio-share=", 1, true)
    or path:match("^[^?]*") == CHOICE
end

-- The parameters of a URL, the first of each name.
local function parameters(path)
  local found = {}
  for part in (path:match("%?(.*)$") or ""):gmatch("[^&]+") do
    local name, value = part:match("^([^=]*)=?(.*)$")
    value = value:gsub("%+", " "):gsub("%%(%x%x)", decoded)
    found[name] = found[name] or value
  end
  return found
end

-- A path of the host itself, whatever was asked for.
local function path_of(text)
  local is_path = text and (text == "/" or text:match("^/[^/\\]")) and not text:find("[%c%s\\\128-\255]")
  return is_path and text or "/"
end

local function set_cookie(headers, name, rest)
  return name .. "=" .. rest .. "; Path=/; HttpOnly; SameSite=Lax" .. (is_secure(headers) and "; Secure" or "")
end

-- What the browser has kept of the host is of the other one.
local function send_on(handle, path, cookies)
  handle:respond({[":status"] = "303", ["location"] = path, ["cache-control"] = "no-store", ["clear-site-data"] = '"cache"',
    ["referrer-policy"] = "no-referrer", ["set-cookie"] = cookies}, "")
end

-- Asks whether to see a preview, or to leave it. The question has the link that it is about, but for what of it says nothing.
local function ask_first(handle, said, path, link)
  local host = "<strong>" .. escaped(handle:headers():get(":authority")) .. "</strong>"
  local to = "&to=" .. encoded(path)
  if said.leave then
    local text = "A link has led here that ends the preview which this browser may be shown at " .. host .. "."
    return ask(handle, "Leave the preview?", text, "Leave the preview", "?leave" .. to, path)
  end
  local text = "A link has led here that has this browser shown the preview <code>" .. said.select .. "</code> in the place of "
    .. host .. ", until the browser ends or you leave it. What you do there may be seen by who made the preview: go on only if "
    .. "you expected it."
  local share = link and "&nuncio-share=" .. link or ""
  ask(handle, "See a preview?", text, "See the preview", "?select=" .. said.select .. to .. share, path)
end

-- Answers a link that chooses a preview, or leaves it. `is_there` tells whether there is one of that name here; where there
-- is none, nothing is answered.
local function answer_choice(handle, is_there)
  local headers = handle:headers()
  local said = parameters(headers:get(":path"))
  headers:replace(":path", CHOICE)
  local path = path_of(said.to)
  local link = (said["nuncio-share"] or ""):match("^[%w%-_%.]+$")
  if not said.leave and (not said.select or not is_there(said.select)) then
    return false
  end
  if not is_own_wish(headers, is_secure(headers) and "https" or "http") then
    ask_first(handle, said, path, link)
    return true
  end
  if said.leave then
    local gone = {set_cookie(headers, cookie_name(headers), "; Max-Age=0")}
    for _, cookie in ipairs(cookies(headers)) do
      if is_pass(cookie) then
        gone[#gone + 1] = set_cookie(headers, cookie.name, "; Max-Age=0")
      end
    end
    send_on(handle, path, gone)
    return true
  end
  if link then
    local before, fragment = path:match("^([^#]*)(.*)$")
    path = before .. (before:find("?", 1, true) and "&" or "?") .. "nuncio-share=" .. link .. fragment
  end
  send_on(handle, path, {set_cookie(headers, cookie_name(headers), said.select)})
  return true
end

