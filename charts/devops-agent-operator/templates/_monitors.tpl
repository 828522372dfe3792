{{- /* Whether who reads metrics has to authenticate: "true" or "false". */}}
{{- define "devops-agent-operator.metricsAuth" -}}
{{- $wanted := .Values.metrics.auth.enabled | toString }}
{{- if eq $wanted "auto" }}
{{- and .Values.metrics.enabled .Values.rbac.create (not .Values.watchNamespaces) | ternary "true" "false" }}
{{- else }}
{{- and .Values.metrics.enabled (eq $wanted "true") | ternary "true" "false" }}
{{- end }}
{{- end }}

{{- /* Whether metrics are served over TLS: "true" or "false". */}}
{{- define "devops-agent-operator.metricsTls" -}}
{{- $auth := eq (include "devops-agent-operator.metricsAuth" .) "true" }}
{{- or $auth (and .Values.metrics.enabled (ne .Values.metrics.tls.secretName "")) | ternary "true" "false" }}
{{- end }}

{{- define "devops-agent-operator.metricsReader" -}}
{{ include "devops-agent-operator.fullname" . }}-metrics-reader
{{- end }}

{{- /* The endpoint of a ServiceMonitor or PodMonitor. Takes the root, the monitor's values, and how it authenticates. What
the values say of the endpoint goes before all of it. */}}
{{- define "devops-agent-operator.endpoint" -}}
{{- $root := index . 0 }}
{{- $values := index . 1 }}
{{- $endpoint := dict "port" "metrics" "path" "/metrics" "honorLabels" $values.honorLabels }}
{{- if eq (include "devops-agent-operator.metricsTls" $root) "true" }}
{{- $tls := $root.Values.metrics.tls.config | default (dict "insecureSkipVerify" true) }}
{{- $endpoint = merge $endpoint (dict "scheme" "https" "tlsConfig" $tls) }}
{{- end }}
{{- if eq (include "devops-agent-operator.metricsAuth" $root) "true" }}
{{- $endpoint = merge $endpoint (index . 2) }}
{{- end }}
{{- range $name := list "interval" "scrapeTimeout" "relabelings" "metricRelabelings" }}
{{- with index $values $name }}
{{- $_ := set $endpoint $name . }}
{{- end }}
{{- end }}
{{- range $name, $value := $values.endpoint }}
{{- $_ := set $endpoint $name $value }}
{{- end }}
{{- range $name, $value := $endpoint }}
{{- if kindIs "invalid" $value }}
{{- $_ := unset $endpoint $name }}
{{- end }}
{{- end }}
{{- toYaml $endpoint }}
{{- end }}

{{- /* Whether an object of the Prometheus operator is rendered: "true" or "false". Takes the root, the kind, and where its values
are. The kinds of the cluster are known to a release, but not to `helm template`, which knows the group at most. */}}
{{- define "devops-agent-operator.monitorRenders" -}}
{{- $root := index . 0 }}
{{- $kind := index . 1 }}
{{- $where := index . 2 }}
{{- $mode := (get $root.Values.metrics (trimPrefix "metrics." $where)).renderMode }}
{{- $versions := $root.Capabilities.APIVersions }}
{{- $name := printf "monitoring.coreos.com/v1/%s" $kind }}
{{- $served := or ($versions.Has $name) (and ($versions.Has "monitoring.coreos.com/v1") (not ($versions.Has "v1/Pod"))) }}
{{- if and (not $served) (eq $mode "failIfMissing") }}
{{- fail (printf "%s: the cluster has no kind %s of monitoring.coreos.com/v1; install the Prometheus operator's CRDs, or set renderMode to skipIfMissing" $where $kind) }}
{{- end }}
{{- or $served (eq $mode "alwaysRender") | ternary "true" "false" }}
{{- end }}
