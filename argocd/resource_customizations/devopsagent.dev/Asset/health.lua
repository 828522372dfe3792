-- Generated from argocd/scripts/ by `cargo xtask generate`.
-- How healthy an object of devopsagent.dev is. The same script serves every kind.
--
-- Degraded: a person must act. Suspended: it rests until a person lets it go on. Progressing: it goes on by itself.
-- Argo CD opens no library but those of tables and of the time, so nothing here works on strings.

local status = obj.status or {}
local conditions = {}
for _, condition in ipairs(status.conditions or {}) do
  conditions[condition.type] = condition
end

local function health(word, message)
  return { status = word, message = message }
end

local function told(condition)
  if condition.message == nil or condition.message == "" then
    return condition.reason
  end
  return condition.reason .. ": " .. condition.message
end

local function is(name, value)
  return conditions[name] ~= nil and conditions[name].status == value
end

-- Errors that no repetition fixes. With the other reasons the operator goes on by itself.
local person_must_act = {
  CredentialsUnavailable = true,
  EndpointInvalid = true,
  InputInvalid = true,
  InputNotFound = true,
  ReferenceNotAllowed = true,
  SecretNotOurs = true,
  SecretRefused = true,
}

-- Argo CD itself says "Pending deletion" here and doesn't ask; this is for whoever else runs the script.
if obj.metadata.deletionTimestamp ~= nil then
  if conditions.Reconciling ~= nil then
    return health("Progressing", told(conditions.Reconciling))
  end
  return health("Progressing", "Deleting: the object is being deleted")
end

local observed = status.observedGeneration == obj.metadata.generation

if ((obj.metadata.annotations or {})["devopsagent.dev/paused"] or "false") ~= "false" then
  local message = "Paused: the annotation devopsagent.dev/paused keeps the operator away; the action resume removes it"
  if conditions.Ready == nil then
    message = message .. ". The operator has not looked at the object yet"
  elseif not observed then
    message = message .. ". The spec has changed since"
  end
  return health("Suspended", message)
end

if status.observedGeneration == nil or status.observedGeneration < 0 or conditions.Ready == nil then
  return health("Progressing", "the operator has not looked at the object yet")
end
if not observed then
  return health("Progressing", "the operator has not looked at the last change of the spec yet")
end

local ready = conditions.Ready

if is("Synced", "False") and conditions.Synced.reason == "ApprovalRequired" then
  return health("Suspended", told(conditions.Synced) .. ". The action approve does so")
end

if is("Stalled", "True") then
  return health("Degraded", told(conditions.Stalled))
end

if ready.status == "True" then
  if is("Reconciling", "True") then
    -- What was made stays ready while the operator can't look after it.
    local word = person_must_act[conditions.Reconciling.reason] and "Degraded" or "Progressing"
    return health(word, told(conditions.Reconciling))
  end
  if is("WebhookReady", "False") then
    -- What has once been handed out is missed; the webhook of an association that was taken over may be in use as it is.
    local word = status.webhook ~= nil and "Degraded" or "Healthy"
    return health(word, told(conditions.WebhookReady) .. ". The action rotate-webhook does so")
  end
  if is("Synced", "False") then
    return health("Healthy", told(conditions.Synced))
  end
  if obj.kind == "Trigger" and obj.spec.suspend == true then
    return health("Suspended", "spec.suspend is true: the schedule does not start anything")
  end
  return health("Healthy", told(ready))
end

if ready.reason == "AuthorizationRequired" then
  if status.authorizationUrl ~= nil then
    return health("Suspended", "AuthorizationRequired: open " .. status.authorizationUrl .. " to complete the registration")
  end
  return health("Suspended", told(ready))
end

if person_must_act[ready.reason] or (ready.status == "False" and not is("Reconciling", "True")) then
  return health("Degraded", told(ready))
end
return health("Progressing", told(ready))
