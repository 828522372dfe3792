{{- /* A Deployment of the operator. Takes the root, with the shard's number as `Shard` if there are several. */}}
{{- define "devops-agent-operator.deployment" -}}
{{- $labels := merge (ternary (dict "devopsagent.dev/shard" .Shard) dict (hasKey . "Shard")) .Values.deploymentLabels }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "devops-agent-operator.shardName" . | quote }}
  namespace: {{ include "devops-agent-operator.namespace" . | quote }}
  {{- include "devops-agent-operator.metadata" (list . $labels .Values.deploymentAnnotations) | nindent 2 }}
spec:
  replicas: {{ .Values.replicaCount }}
  revisionHistoryLimit: {{ .Values.revisionHistoryLimit }}
  {{- if .Values.updateStrategy }}
  strategy:
    {{- toYaml .Values.updateStrategy | nindent 4 }}
  {{- else if not .Values.leaderElection.enabled }}
  # Without an election two pods would work at the same time.
  strategy:
    type: Recreate
  {{- end }}
  selector:
    matchLabels:
      {{- include "devops-agent-operator.shardSelectorLabels" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- merge (include "devops-agent-operator.shardSelectorLabels" . | fromYaml) (include "devops-agent-operator.rendered" (list . .Values.podLabels) | fromYaml) (include "devops-agent-operator.labels" . | fromYaml) | toYaml | nindent 8 }}
      annotations:
        {{- $container := dict "kubectl.kubernetes.io/default-container" "operator" }}
        {{- include "devops-agent-operator.rendered" (list . (merge dict .Values.podAnnotations .Values.commonAnnotations $container)) | nindent 8 }}
    spec:
      {{- $spec := include "devops-agent-operator.podSpec" . | trim }}
      {{- with .Values.podSpecExtra }}
      {{- $spec = merge (tpl (toYaml .) $ | fromYaml) (fromYaml $spec) | toYaml }}
      {{- end }}
      {{- $spec | nindent 6 }}
{{- end }}
