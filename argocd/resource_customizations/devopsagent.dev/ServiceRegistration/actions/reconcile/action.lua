-- Generated from argocd/scripts/ by `cargo xtask generate`.
-- Asks the operator to compare the object with AWS now. It echoes the value in status.lastHandledReconcileAt.
local os = require("os")
obj.metadata.annotations = obj.metadata.annotations or {}
obj.metadata.annotations["devopsagent.dev/reconcile-requested-at"] = os.date("!%Y-%m-%dT%XZ")
return obj
