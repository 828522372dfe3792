-- Lets the operator go on with the object.
obj.metadata.annotations = obj.metadata.annotations or {}
obj.metadata.annotations["devopsagent.dev/paused"] = nil
return obj
