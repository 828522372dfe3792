-- Generated from argocd/scripts/ by `cargo xtask generate`.
-- Which actions an object of devopsagent.dev offers now.

local paused = ((obj.metadata.annotations or {})["devopsagent.dev/paused"] or "false") ~= "false"

local actions = {
  reconcile = { displayName = "Reconcile now", iconClass = "fa fa-fw fa-redo", disabled = paused },
  pause = { displayName = "Pause", iconClass = "fa fa-fw fa-pause-circle", disabled = paused },
  resume = { displayName = "Resume", iconClass = "fa fa-fw fa-play-circle", disabled = not paused },
}

-- An account has nothing in AWS that could be changed.
if obj.kind ~= "AWSAccount" then
  local pending = (obj.status or {}).pendingChange ~= nil
  actions["approve"] = { displayName = "Approve the change", iconClass = "fa fa-fw fa-check", disabled = paused or not pending }
end

if obj.kind == "Association" then
  local status = obj.status or {}
  local has_webhook = status.webhook ~= nil or status.webhookLost == true
  local going = obj.metadata.deletionTimestamp ~= nil
  actions["rotate-webhook"] = {
    displayName = "Issue a new webhook",
    iconClass = "fa fa-fw fa-sync-alt",
    disabled = paused or going or not has_webhook or obj.spec.managementPolicy == "Observe",
  }
end

return actions
