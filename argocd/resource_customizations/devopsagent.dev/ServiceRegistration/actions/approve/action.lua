-- Generated from argocd/scripts/ by `cargo xtask generate`.
-- Approves the change that waits in status, and no other.
local pending = (obj.status or {}).pendingChange
if pending ~= nil then
  obj.metadata.annotations = obj.metadata.annotations or {}
  obj.metadata.annotations["devopsagent.dev/approve"] = pending.hash
end
return obj
