-- KEYS[1]: level and time of a bucket. ARGV[1]: now, parts of a hit, parts drained in a millisecond, burst; then hits.
local args = {}
for number in string.gmatch(ARGV[1], '%S+') do args[#args + 1] = tonumber(number) end
local now, cost, rate, burst = args[1], args[2], args[3], args[4]
local level, at = 0, 0
local kept = redis.call('GET', KEYS[1])
if kept then
  local one, other = string.match(kept, '^(%d+) (%d+)$')
  level, at = tonumber(one) or 0, tonumber(other) or 0
end
if now > at then
  level = math.max(0, level - (now - at) * rate)
  at = now
end
local out, changed = {}, false
for i = 5, #args do
  local after = math.max(0, level + args[i] * cost)
  if after <= burst * cost then
    changed = changed or after ~= level
    level = after
  end
  out[#out + 1] = math.min(math.ceil(after / cost), 9007199254740991)
end
if changed and level > 0 then
  -- A second more, for clocks that differ.
  local lives = math.ceil(level / rate) + 1000
  redis.call('SET', KEYS[1], string.format('%.0f %.0f', level, at), 'PX', string.format('%.0f', lives))
elseif changed then
  redis.call('DEL', KEYS[1])
end
out[#out + 1] = level
return out
