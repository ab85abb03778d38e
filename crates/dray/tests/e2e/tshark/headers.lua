-- What ports carry is not looked at: a pool's port may be one by which Wireshark knows another protocol than it carries.
for _, ports in ipairs({"tcp.port", "udp.port"}) do
  DissectorTable.get(ports):set("1-65535", Dissector.get("data"))
end

-- Generic UDP Encapsulation (draft-ietf-intarea-gue, variant 0), which Wireshark does not know by itself.
local gue = Proto("gue", "Generic UDP Encapsulation")

function gue.dissector(buffer, info, tree)
  local header = 4 + 4 * buffer(0, 1):bitfield(3, 5)
  local inner = buffer(1, 1):uint()
  tree:add(gue, buffer(0, header))
  DissectorTable.get("ip.proto"):try(inner, buffer(header):tvb(), info, tree)
end

DissectorTable.get("udp.port"):add(6080, gue)
