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
