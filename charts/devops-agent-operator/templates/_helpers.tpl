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
app.kubernetes.io/name: {{ include "devops-agent-operator.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{- /* The name of what each shard has for itself. Takes the root, with the shard's number as `Shard` if there are several. */}}
{{- define "devops-agent-operator.shardName" -}}
{{ include "devops-agent-operator.fullname" . }}{{ with .Shard }}-shard-{{ . }}{{ end }}
{{- end }}

{{- /* What the pods of one shard are selected by. */}}
{{- define "devops-agent-operator.shardSelectorLabels" -}}
{{ include "devops-agent-operator.selectorLabels" . }}
{{- with .Shard }}
devopsagent.dev/shard: {{ . | quote }}
{{- end }}
{{- end }}

{{- /* commonLabels go before the chart's own labels, except for those that pods are selected by. */}}
{{- define "devops-agent-operator.labels" -}}
{{- $chart := printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- $own := dict "helm.sh/chart" $chart "app.kubernetes.io/version" .Chart.AppVersion "app.kubernetes.io/managed-by" .Release.Service "app.kubernetes.io/part-of" "devops-agent-operator" }}
{{- merge (include "devops-agent-operator.selectorLabels" . | fromYaml) (include "devops-agent-operator.rendered" (list . .Values.commonLabels) | fromYaml) $own | toYaml }}
{{- end }}

{{- /* A map of labels or annotations, run through `tpl`. Takes the root and the map. */}}
{{- define "devops-agent-operator.rendered" -}}
{{- $root := index . 0 }}
{{- $out := dict }}
{{- range $name, $value := index . 1 }}
{{- $value = toString $value }}
{{- if contains "{{" $value }}
{{- $value = tpl $value $root }}
{{- end }}
{{- $_ := set $out $name $value }}
{{- end }}
{{- toYaml $out }}
{{- end }}

{{- /* Labels and annotations of one object. Takes a list: the root, then the object's own labels and annotations. */}}
{{- define "devops-agent-operator.metadata" -}}
{{- $root := index . 0 }}
{{- $labels := index . 1 | default dict }}
{{- $annotations := include "devops-agent-operator.rendered" (list $root (merge dict (index . 2 | default dict) $root.Values.commonAnnotations)) | fromYaml -}}
labels:
  {{- merge (include "devops-agent-operator.rendered" (list $root $labels) | fromYaml) (include "devops-agent-operator.labels" $root | fromYaml) | toYaml | nindent 2 }}
{{- with $annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- /* `global.imageRegistry` stands in for the registry in `image.repository`. */}}
{{- define "devops-agent-operator.image" -}}
{{- $repository := .Values.image.repository }}
{{- with (.Values.global | default dict).imageRegistry }}
{{- $repository = printf "%s/%s" (trimSuffix "/" .) (regexReplaceAll "^([^/]*[.:][^/]*|localhost)/" $repository "") }}
{{- end }}
{{- if .Values.image.digest -}}
{{ $repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ $repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}
{{- end }}

{{- /* `imagePullSecrets`, and those of `global`, which may be names alone. */}}
{{- define "devops-agent-operator.imagePullSecrets" -}}
{{- $secrets := list }}
{{- range concat (.Values.imagePullSecrets | default list) ((.Values.global | default dict).imagePullSecrets | default list) }}
{{- $secrets = append $secrets (ternary (dict "name" .) . (kindIs "string" .)) }}
{{- end }}
{{- with uniq $secrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- /* A pod's or container's security context. Takes the root and the values. On OpenShift the chart's own numbers are left
out: a namespace there has a range of its own, from which the pod gets them. */}}
{{- define "devops-agent-operator.securityContext" -}}
{{- $root := index . 0 }}
{{- $context := index . 1 | default dict }}
{{- if eq (include "devops-agent-operator.isOpenShift" $root) "true" }}
{{- range $name := list "runAsUser" "runAsGroup" "fsGroup" }}
{{- if eq (toString (get $context $name)) "65532" }}
{{- $context = omit $context $name }}
{{- end }}
{{- end }}
{{- end }}
{{- with $context }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- /* Whether this is OpenShift: "true" or "false". */}}
{{- define "devops-agent-operator.isOpenShift" -}}
{{- $wanted := .Values.openshift.enabled | toString }}
{{- $versions := .Capabilities.APIVersions }}
{{- $served := or ($versions.Has "security.openshift.io/v1") ($versions.Has "security.openshift.io/v1/SecurityContextConstraints") }}
{{- ternary $served (eq $wanted "true") (eq $wanted "auto") | ternary "true" "false" }}
{{- end }}

{{- /* The name of the lease, with which those of all shards begin. It doesn't depend on what is in the cluster, and two releases
in a namespace never have the same one. */}}
{{- define "devops-agent-operator.leaseName" -}}
{{- .Values.leaderElection.leaseName | default (include "devops-agent-operator.fullname" .) }}
{{- end }}

{{- /* The names of all leases that the operator may hold, as items of a list: one for each shard, and the one that a release of
any name had in earlier versions, which is held as well while their pods may be running. */}}
{{- define "devops-agent-operator.leaseNames" -}}
{{- $name := include "devops-agent-operator.leaseName" . }}
{{- $names := list $name }}
{{- range $shard := untilStep 1 (int .Values.shards) 1 }}
{{- $names = append $names (printf "%s-shard-%d" $name $shard) }}
{{- end }}
{{- if not .Values.leaderElection.leaseName }}
{{- $names = append $names "devops-agent-operator" }}
{{- end }}
{{- range $index, $name := uniq $names }}{{ if $index }}, {{ end }}{{ quote $name }}{{ end }}
{{- end }}

{{- /* The name of the Service. It can't begin with a digit, as a release's name can. */}}
{{- define "devops-agent-operator.serviceName" -}}
{{- $fullname := include "devops-agent-operator.fullname" . }}
{{- if regexMatch "^[0-9]" $fullname }}metrics-{{ $fullname }}{{ else }}{{ $fullname }}-metrics{{ end }}
{{- end }}

{{- /* `{Kind: value}` as `Kind=value,Kind=value`. */}}
{{- define "devops-agent-operator.pairs" -}}
{{- $pairs := list }}
{{- range $kind, $value := . }}
{{- $pairs = append $pairs (printf "%s=%v" $kind $value) }}
{{- end }}
{{- join "," $pairs }}
{{- end }}

{{- /* Annotations of the CRDs. Sync options of Argo CD are merged, option by option: the chart's are added to those of the
values. */}}
{{- define "devops-agent-operator.crdAnnotations" -}}
{{- $keep := ternary (dict "helm.sh/resource-policy" "keep") dict .Values.crds.keep }}
{{- $annotations := include "devops-agent-operator.rendered" (list . (merge dict .Values.crds.annotations .Values.commonAnnotations $keep)) | fromYaml }}
{{- $options := list }}
{{- range splitList "," (get $annotations "argocd.argoproj.io/sync-options") }}
{{- with trim . }}
{{- $options = append $options . }}
{{- end }}
{{- end }}
{{- range ternary (list "ServerSideApply=true" "Prune=false") (list "ServerSideApply=true") .Values.crds.keep }}
{{- $key := printf "^%s=" (first (splitList "=" .)) }}
{{- $given := false }}
{{- range $options }}
{{- $given = or $given (regexMatch $key .) }}
{{- end }}
{{- if not $given }}
{{- $options = append $options . }}
{{- end }}
{{- end }}
{{- merge (dict "argocd.argoproj.io/sync-options" (join "," $options)) $annotations | toYaml }}
{{- end }}

{{- /* The subject of every binding. */}}
{{- define "devops-agent-operator.subjects" -}}
subjects:
  - kind: ServiceAccount
    name: {{ include "devops-agent-operator.serviceAccountName" . | quote }}
    namespace: {{ include "devops-agent-operator.namespace" . | quote }}
{{- end }}

{{- /* Constraints without a selector are about the pods of the same Deployment. */}}
{{- define "devops-agent-operator.topologySpreadConstraints" -}}
{{- $selector := include "devops-agent-operator.shardSelectorLabels" . | fromYaml }}
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
