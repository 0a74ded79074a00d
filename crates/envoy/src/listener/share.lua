-- Takes what makes a URL a link to a preview out of it, to where the gate looks: no log and no service has it.
local function take_share(headers)
  local path, query = (headers:get(":path") or ""):match("^([^?]*)%?(.*)$")
  if not path or not query:find("nuncio-share=", 1, true) then
    return
  end
  local kept, link = {}, nil
  for part in query:gmatch("[^&]+") do
    local value = part:match("^nuncio%-share=(.*)$")
    if not value then
      kept[#kept + 1] = part
    elseif not link then
      link = value
    end
  end
  if link then
    headers:replace(":path", #kept > 0 and path .. "?" .. table.concat(kept, "&") or path)
    headers:replace("x-nuncio-share", link ~= "" and link or "-")
  end
end

