-- Generated from argocd/scripts/ by `cargo xtask generate`.
-- Issues a new webhook, with a new address and a new secret, and has both written to the Secret.
local os = require("os")
obj.spec.webhook = obj.spec.webhook or {}
obj.spec.webhook.rotation = os.date("!%Y-%m-%dT%XZ")
return obj
