{{- define "devops-agent-operator.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- /* The release's name, and the chart's where it is not in that. 52 characters leave room for endings. */}}
{{- define "devops-agent-operator.fullname" -}}
{{- $name := include "devops-agent-operator.name" . }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "devops-agent-operator.namespace" -}}
{{- .Values.namespaceOverride | default .Release.Namespace }}
{{- end }}

{{- /* Cluster-scoped names have the namespace in them where it is not obvious: two releases may have one name. */}}
{{- define "devops-agent-operator.clusterName" -}}
{{- $fullname := include "devops-agent-operator.fullname" . }}
{{- $namespace := include "devops-agent-operator.namespace" . }}
{{- if eq $fullname $namespace }}{{ $fullname }}{{ else }}{{ printf "%s-%s" $namespace $fullname | trunc 200 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "devops-agent-operator.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- .Values.serviceAccount.name | default (include "devops-agent-operator.fullname" .) }}
{{- else }}
{{- .Values.serviceAccount.name | default "default" }}
{{- end }}
{{- end }}

{{- define "devops-agent-operator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "devops-agent-operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "devops-agent-operator.labels" -}}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "devops-agent-operator.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: devops-agent-operator
{{- end }}

{{- /* Labels and annotations of one object. Takes a list: the root, then the object's own labels and annotations. */}}
{{- define "devops-agent-operator.metadata" -}}
{{- $root := index . 0 }}
{{- $labels := index . 1 | default dict }}
{{- $annotations := merge dict (index . 2 | default dict) $root.Values.commonAnnotations -}}
labels:
  {{- merge dict $labels (include "devops-agent-operator.labels" $root | fromYaml) | toYaml | nindent 2 }}
{{- with $annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "devops-agent-operator.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}
{{- end }}

{{- /* `{Kind: value}` as `Kind=value,Kind=value`. */}}
{{- define "devops-agent-operator.pairs" -}}
{{- $pairs := list }}
{{- range $kind, $value := . }}
{{- $pairs = append $pairs (printf "%s=%v" $kind $value) }}
{{- end }}
{{- join "," $pairs }}
{{- end }}

{{- /* Annotations of the CRDs; the one for Argo CD is in the files. */}}
{{- define "devops-agent-operator.crdAnnotations" -}}
{{- $keep := ternary (dict "helm.sh/resource-policy" "keep") dict .Values.crds.keep }}
{{- with merge dict .Values.crds.annotations .Values.commonAnnotations $keep }}
{{- omit . "argocd.argoproj.io/sync-options" | toYaml }}
{{- end }}
{{- end }}

{{- /* The subject of every binding. */}}
{{- define "devops-agent-operator.subjects" -}}
subjects:
  - kind: ServiceAccount
    name: {{ include "devops-agent-operator.serviceAccountName" . }}
    namespace: {{ include "devops-agent-operator.namespace" . }}
{{- end }}

{{- /* Constraints without a selector are about the operator's own pods. */}}
{{- define "devops-agent-operator.topologySpreadConstraints" -}}
{{- $selector := include "devops-agent-operator.selectorLabels" . | fromYaml }}
{{- $constraints := list }}
{{- range (tpl (toYaml .Values.topologySpreadConstraints) . | fromYamlArray) }}
{{- $constraints = append $constraints (merge dict . (dict "labelSelector" (dict "matchLabels" $selector))) }}
{{- end }}
{{- toYaml $constraints }}
{{- end }}

{{- /* Whether the release has objects of the cluster, beside the admission policy: then who installs it may make that too. */}}
{{- define "devops-agent-operator.isClusterWide" -}}
{{- $aggregates := or .Values.rbac.aggregateToView .Values.rbac.aggregateToEdit .Values.rbac.aggregateToAdmin }}
{{- $roles := or (not .Values.watchNamespaces) .Values.accounts.enabled (not .Values.clusterId) $aggregates }}
{{- or .Values.crds.enabled (and .Values.rbac.create $roles) | ternary "true" "false" }}
{{- end }}

{{- /* Whether the admission policy is rendered: "true" or "false". With `helm template` Helm knows no kinds of the
cluster, and goes by the version that it is told. */}}
{{- define "devops-agent-operator.admissionPolicy" -}}
{{- $wanted := .Values.admissionPolicy.enabled | toString }}
{{- if ne $wanted "auto" }}
{{- $wanted }}
{{- else if ne (include "devops-agent-operator.isClusterWide" .) "true" -}}
false
{{- else if .Capabilities.APIVersions.Has "v1/Pod" }}
{{- .Capabilities.APIVersions.Has "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy" }}
{{- else }}
{{- semverCompare ">=1.30-0" .Capabilities.KubeVersion.Version }}
{{- end }}
{{- end }}

{{- /* CEL: whether an object has the label of the operator's own Secrets. Takes the object's name in CEL. */}}
{{- define "devops-agent-operator.ownSecretLabel" -}}
{{- $label := "app.kubernetes.io/managed-by" -}}
has({{ . }}.metadata.labels) && '{{ $label }}' in {{ . }}.metadata.labels && {{ . }}.metadata.labels['{{ $label }}'] == 'devops-agent-operator'
{{- end }}
