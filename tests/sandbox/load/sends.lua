-- wrk script: every request is a MessageNow send to a phone of its own. The token comes from $TOKEN.
local thread_number = 0

function setup(thread)
  thread:set("number", thread_number)
  thread_number = thread_number + 1
end

function init(args)
  token = os.getenv("TOKEN")
  sent = 0
  failed = 0
end

function request()
  sent = sent + 1
  local mobile = string.format("9%01d%08d", number, sent)
  return wrk.format(
    "POST",
    "/verification/v3/send?countryCode=91&flowType=SMS&type=SMS&senderId=SHOPIN&messageType=TRANSACTION"
      .. "&message=Hello%20Asha%2C%20your%20balance%20is%201200.&mobileNumber=" .. mobile,
    { authToken = token }
  )
end
