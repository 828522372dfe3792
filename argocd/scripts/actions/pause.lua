-- Keeps the operator away from the object's resource in AWS.
obj.metadata.annotations = obj.metadata.annotations or {}
obj.metadata.annotations["devopsagent.dev/paused"] = "true"
return obj
