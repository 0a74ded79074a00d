-- KEYS[1]: hits by part of a window. ARGV[1]: now, length of a part, parts of a window, limit; then hits.
local args = {}
for number in string.gmatch(ARGV[1], '%S+') do args[#args + 1] = tonumber(number) end
local now, part, parts, limit = args[1], args[2], args[3], args[4]
local kept = redis.call('HGETALL', KEYS[1])
for i = 1, #kept, 2 do
  -- A clock that is behind waits for the one that is ahead.
  now = math.max(now, tonumber(kept[i]) * part)
end
local index = math.floor(now / part)
local counts, full, fading, old = {}, 0, 0, {}
for i = 1, #kept, 2 do
  local at, count = tonumber(kept[i]), tonumber(kept[i + 1])
  if at + parts < index then
    old[#old + 1] = kept[i]
  else
    counts[at] = count
    if at + parts == index then fading = count else full = full + count end
  end
end
local out, changed, added = {}, {}, false
local function used() return full + math.ceil(fading * (part - now % part) / part) end
for i = 5, #args do
  local hits = args[i]
  local after = used() + hits
  if hits > 0 and after <= limit then
    counts[index] = (counts[index] or 0) + hits
    full = full + hits
    changed[index], added = true, true
  elseif hits < 0 then
    for at = index, index - parts, -1 do
      local taken = math.min(-hits, counts[at] or 0)
      if taken > 0 then
        hits = hits + taken
        counts[at] = counts[at] - taken
        changed[at] = true
        if at + parts == index then fading = fading - taken else full = full - taken end
      end
    end
    after = used()
  end
  out[#out + 1] = math.min(after, 9007199254740991)
end
local any = false
for at in pairs(changed) do
  local field = string.format('%.0f', at)
  if counts[at] > 0 then
    redis.call('HSET', KEYS[1], field, string.format('%.0f', counts[at]))
    any = true
  else
    redis.call('HDEL', KEYS[1], field)
  end
end
if added and #old > 0 then redis.call('HDEL', KEYS[1], unpack(old)) end
if any then
  -- A part and a second more, for the part that fades and for clocks that differ.
  redis.call('PEXPIRE', KEYS[1], string.format('%.0f', part * (parts + 1) + 1000))
end
out[#out + 1] = now
for at, count in pairs(counts) do
  if count > 0 then
    out[#out + 1] = at
    out[#out + 1] = count
  end
end
return out
