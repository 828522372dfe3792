{{- /* Made by `cargo xtask generate` from src/generate/rbac.rs; don't edit. */}}

{{- /* Objects, and what they refer to. Secrets and ConfigMaps are watched by their metadata, and only those that an object refers to are read; Kubernetes has no permission for metadata alone. */}}
{{- define "devops-agent-operator.rules.objects" -}}
- apiGroups: [devopsagent.dev]
  resources:
    - agentspaces
    - assets
    - associations
    - privateconnections
    - serviceregistrations
    - triggers
  verbs: [list, watch, patch]
- apiGroups: [devopsagent.dev]
  resources:
    - agentspaces/status
    - assets/status
    - associations/status
    - privateconnections/status
    - serviceregistrations/status
    - triggers/status
  verbs: [patch]
- apiGroups: [""]
  resources:
    - secrets
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources:
    - configmaps
  verbs: [get, list, watch]
- apiGroups: [events.k8s.io]
  resources:
    - events
  verbs: [create, patch]
{{- end }}

{{- /* The labels of all namespaces: allowedNamespaces may select by them. */}}
{{- define "devops-agent-operator.rules.namespaces" -}}
- apiGroups: [""]
  resources:
    - namespaces
  verbs: [list, watch]
{{- end }}

{{- /* The labels of one namespace: a Role in it can grant access to the namespace itself. */}}
{{- define "devops-agent-operator.rules.labels" -}}
- apiGroups: [""]
  resources:
    - namespaces
  verbs: [get]
{{- end }}

{{- /* AWSAccounts, which are cluster-scoped. */}}
{{- define "devops-agent-operator.rules.accounts" -}}
- apiGroups: [devopsagent.dev]
  resources:
    - awsaccounts
  verbs: [list, watch, patch]
- apiGroups: [devopsagent.dev]
  resources:
    - awsaccounts/status
  verbs: [patch]
{{- end }}

{{- /* The Events of AWSAccounts, in the namespace default. */}}
{{- define "devops-agent-operator.rules.accountEvents" -}}
- apiGroups: [events.k8s.io]
  resources:
    - events
  verbs: [create, patch]
{{- end }}

{{- /* The UID of kube-system is the cluster's id, unless one is given. */}}
{{- define "devops-agent-operator.rules.clusterId" -}}
- apiGroups: [""]
  resources:
    - namespaces
  resourceNames: [kube-system]
  verbs: [get]
{{- end }}

{{- /* The key of fingerprints, in the operator's namespace. `create` can't be restricted by name. */}}
{{- define "devops-agent-operator.rules.own" -}}
- apiGroups: [""]
  resources:
    - secrets
  resourceNames: [devops-agent-operator-fingerprint-key]
  verbs: [get]
- apiGroups: [""]
  resources:
    - secrets
  verbs: [create]
{{- end }}

{{- /* The leases of the leaders, in the operator's namespace. */}}
{{- define "devops-agent-operator.rules.lease" -}}
- apiGroups: [coordination.k8s.io]
  resources:
    - leases
  resourceNames: [{{ include "devops-agent-operator.leaseNames" . }}]
  verbs: [get, update]
- apiGroups: [coordination.k8s.io]
  resources:
    - leases
  verbs: [create, list]
{{- end }}

{{- /* Checking who a token belongs to and whether they may read metrics. */}}
{{- define "devops-agent-operator.rules.metricsAuth" -}}
- apiGroups: [authentication.k8s.io]
  resources:
    - tokenreviews
  verbs: [create]
- apiGroups: [authorization.k8s.io]
  resources:
    - subjectaccessreviews
  verbs: [create]
{{- end }}

{{- /* For clients that read metrics, such as Prometheus. */}}
{{- define "devops-agent-operator.rules.metricsReader" -}}
- nonResourceURLs: [/metrics]
  verbs: [get]
{{- end }}

{{- /* What `devops-agent-operator check` does. */}}
{{- define "devops-agent-operator.rules.check" -}}
- apiGroups: [devopsagent.dev]
  resources:
    - associations
  verbs: [create, get, delete]
{{- end }}

{{- /* For people who may view. */}}
{{- define "devops-agent-operator.rules.view" -}}
- apiGroups: [devopsagent.dev]
  resources:
    - agentspaces
    - assets
    - associations
    - awsaccounts
    - privateconnections
    - serviceregistrations
    - triggers
  verbs: [get, list, watch]
{{- end }}

{{- /* For people who may edit what is in a namespace. */}}
{{- define "devops-agent-operator.rules.edit" -}}
- apiGroups: [devopsagent.dev]
  resources:
    - agentspaces
    - assets
    - associations
    - privateconnections
    - serviceregistrations
    - triggers
  verbs: [create, update, patch, delete, deletecollection]
{{- end }}

{{- /* For people who may do everything in the whole cluster. */}}
{{- define "devops-agent-operator.rules.admin" -}}
- apiGroups: [devopsagent.dev]
  resources:
    - awsaccounts
  verbs: [create, update, patch, delete, deletecollection]
- apiGroups: [devopsagent.dev]
  resources:
    - agentspaces
    - assets
    - associations
    - privateconnections
    - serviceregistrations
    - triggers
  verbs: [approve]
{{- end }}
