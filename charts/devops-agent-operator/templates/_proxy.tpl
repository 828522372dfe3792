{{- /* How the operator reaches AWS: through a proxy, and trusting authorities of one's own. */}}

{{- /* The environment for it. The agents that give credentials are on the node, where no proxy reaches them. */}}
{{- define "devops-agent-operator.proxyEnv" -}}
{{- with .Values.proxy.https }}
- name: HTTPS_PROXY
  value: {{ . | quote }}
{{- end }}
{{- with .Values.proxy.http }}
- name: HTTP_PROXY
  value: {{ . | quote }}
{{- end }}
{{- if or .Values.proxy.https .Values.proxy.http }}
{{- $own := list "169.254.170.23" "fd00:ec2::23" "169.254.169.254" "fd00:ec2::254" "localhost" "127.0.0.1" "::1" }}
- name: NO_PROXY
  value: {{ concat (.Values.proxy.exceptions | default list) $own | uniq | join "," | quote }}
{{- end }}
{{- if include "devops-agent-operator.caVolume" . | trim }}
- name: SSL_CERT_FILE
  value: {{ include "devops-agent-operator.caFolder" . }}/{{ .Values.caBundle.key }}
{{- if .Values.caBundle.additional }}
- name: SSL_CERT_DIR
  value: /etc/ssl/certs
{{- end }}
{{- end }}
{{- end }}

{{- define "devops-agent-operator.caFolder" -}}
/etc/devops-agent-operator/ca-bundle
{{- end }}

{{- /* Where the authorities come from, as a volume without a name; empty if there are none. */}}
{{- define "devops-agent-operator.caVolume" -}}
{{- with .Values.caBundle }}
{{- if and .configMapName .secretName }}
{{- fail "caBundle: set configMapName or secretName, not both" }}
{{- end }}
{{- with .configMapName }}
configMap:
  name: {{ . | quote }}
{{- end }}
{{- with .secretName }}
secret:
  secretName: {{ . | quote }}
{{- end }}
{{- end }}
{{- end }}

{{- /* The ports of the proxies, as a list in YAML. */}}
{{- define "devops-agent-operator.proxyPorts" -}}
{{- $ports := list }}
{{- range list .Values.proxy.https .Values.proxy.http }}
{{- if . }}
{{- $url := urlParse . }}
{{- $port := regexFind ":[0-9]+$" $url.host | trimPrefix ":" | default (ternary "443" "80" (eq $url.scheme "https")) }}
{{- $ports = append $ports (int $port) }}
{{- end }}
{{- end }}
{{- toYaml (uniq $ports) }}
{{- end }}
