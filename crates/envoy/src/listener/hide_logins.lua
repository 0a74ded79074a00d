-- Takes the cookies of logins out of a request: an upstream that has one could use the login for as long as it lives.

-- Whether a cookie's name is one of `LOGINS`, which stands before this, behind whatever prefix browsers know.
local function is_of_login(cookie)
  local name, from = cookie:match("^[^=]*"), 1
  repeat
    local _, last = name:find("^__%a+%-", from)
    from = last and last + 1 or from
  until not last
  for _, login in ipairs(LOGINS) do
    if name:sub(from, from + #login - 1) == login then
      return true
    end
  end
  return false
end

-- Clients may send several lines. Where none holds such a cookie all stay as they came.
local function hide_logins(handle)
  local headers, shown, hidden = handle:headers(), {}, false
  for line = 0, headers:getNumValues("cookie") - 1 do
    for cookie in headers:getAtIndex("cookie", line):gmatch("[^;]+") do
      cookie = cookie:gsub("^%s+", "")
      if is_of_login(cookie) then
        hidden = true
      elseif cookie ~= "" then
        shown[#shown + 1] = cookie
      end
    end
  end
  if hidden then
    headers:remove("cookie")
    if #shown > 0 then
      headers:add("cookie", table.concat(shown, "; "))
    end
  end
end
