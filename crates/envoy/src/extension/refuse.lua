-- Refuses every request: whoever was to decide about it cannot be asked. The reason is for the access log; it names
-- objects that are none of the client's business.
function envoy_on_request(handle)
  -- What a route says of the filter that asks means nothing to this one, so it says it a second time.
  if handle:metadata():get("bypass") then
    return
  end
  handle:streamInfo():dynamicMetadata():set(NAMESPACE, KEY, REASON)
  local id = (handle:headers():get("x-request-id") or ""):gsub("[^%w%-]", "")
  local body = '{"message":"requests cannot be authorized: the gateway is misconfigured","request_id":"%s","status_code":%s}\n'
  handle:respond({[":status"] = STATUS, ["content-type"] = "application/json"}, body:format(id, STATUS))
end
