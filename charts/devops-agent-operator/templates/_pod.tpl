{{- /* The `spec` of the operator's pod. */}}
{{- define "devops-agent-operator.podSpec" -}}
{{- $certificate := ternary .Values.metrics.tls.secretName "" .Values.metrics.enabled }}
{{- $certificateFolder := "/etc/devops-agent-operator/metrics-certificate" }}
serviceAccountName: {{ include "devops-agent-operator.serviceAccountName" . | quote }}
automountServiceAccountToken: {{ .Values.serviceAccount.automount }}
enableServiceLinks: {{ .Values.enableServiceLinks }}
{{- if not (kindIs "invalid" .Values.terminationGracePeriodSeconds) }}
terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
{{- end }}
{{- with include "devops-agent-operator.imagePullSecrets" . | trim }}
{{- . | nindent 0 }}
{{- end }}
{{- with include "devops-agent-operator.securityContext" (list . .Values.podSecurityContext) | trim }}
{{- . | nindent 0 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.runtimeClassName }}
runtimeClassName: {{ . }}
{{- end }}
{{- with .Values.schedulerName }}
schedulerName: {{ . }}
{{- end }}
{{- if .Values.hostNetwork }}
hostNetwork: true
{{- end }}
{{- if or .Values.dnsPolicy .Values.hostNetwork }}
dnsPolicy: {{ .Values.dnsPolicy | default "ClusterFirstWithHostNet" }}
{{- end }}
{{- with .Values.dnsConfig }}
dnsConfig:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.hostAliases }}
hostAliases:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- tpl (toYaml .) $ | nindent 2 }}
{{- end }}
{{- if .Values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- include "devops-agent-operator.topologySpreadConstraints" . | nindent 2 }}
{{- end }}
{{- with .Values.initContainers }}
initContainers:
  {{- tpl (toYaml .) $ | nindent 2 }}
{{- end }}
containers:
  - name: operator
    image: {{ include "devops-agent-operator.image" . | quote }}
    imagePullPolicy: {{ .Values.image.pullPolicy }}
    args:
      - run
      - --log-format={{ .Values.log.format }}
      - --log-level={{ .Values.log.level }}
      {{- if .Values.reconcile.dryRun }}
      - --dry-run
      {{- end }}
      - --refresh-period={{ .Values.reconcile.refreshPeriod }}
      - --resync-period={{ .Values.reconcile.defaultResyncPeriod }}
      {{- with .Values.reconcile.resourceResyncPeriods }}
      - --resync-period-for={{ include "devops-agent-operator.pairs" . }}
      {{- end }}
      - --concurrency={{ .Values.reconcile.defaultMaxConcurrentSyncs }}
      {{- with .Values.reconcile.resourceMaxConcurrentSyncs }}
      - --concurrency-for={{ include "devops-agent-operator.pairs" . }}
      {{- end }}
      - --requests-per-second={{ .Values.aws.requestsPerSecond }}
      {{- with .Values.aws.region }}
      - --region={{ . }}
      {{- end }}
      {{- with .Values.clusterId }}
      - --cluster-id={{ . }}
      {{- end }}
      {{- with .Values.watchNamespaces }}
      - --watch-namespace={{ join "," . }}
      {{- end }}
      {{- if not .Values.accounts.enabled }}
      - --without-accounts
      {{- end }}
      {{- if .Values.accounts.required }}
      - --require-account
      {{- end }}
      {{- if .Values.aws.allowHttpEndpoints }}
      - --allow-http-endpoints
      {{- end }}
      {{- if .Values.leaderElection.enabled }}
      - --leader-election
      {{- $lease := include "devops-agent-operator.leaseName" . }}
      {{- if ne $lease "devops-agent-operator" }}
      - --lease-name={{ $lease }}
      {{- end }}
      {{- end }}
      {{- with .Shard }}
      - --shards={{ $.Values.shards }}
      - --shard={{ . }}
      {{- end }}
      {{- if ne (int .Values.probes.port) 8081 }}
      - --admin-address=[::]:{{ .Values.probes.port }}
      {{- end }}
      {{- if not .Values.metrics.enabled }}
      - --metrics-address=0
      {{- else if ne (int .Values.metrics.port) 8080 }}
      - --metrics-address=[::]:{{ .Values.metrics.port }}
      {{- end }}
      {{- if .Values.metrics.byObject }}
      - --metrics-by-object
      {{- end }}
      {{- if eq (include "devops-agent-operator.metricsAuth" .) "true" }}
      - --metrics-auth
      {{- end }}
      {{- if $certificate }}
      - --metrics-certificate={{ $certificateFolder }}/tls.crt
      - --metrics-key={{ $certificateFolder }}/tls.key
      {{- end }}
      {{- $grace := .Values.terminationGracePeriodSeconds }}
      {{- if not (or (kindIs "invalid" $grace) (eq (int $grace) 30)) }}
      - --shutdown-timeout={{ max 1 (sub (int .Values.terminationGracePeriodSeconds) 5) }}s
      {{- end }}
      {{- range .Values.extraArgs }}
      - {{ tpl . $ | quote }}
      {{- end }}
    env:
      - name: POD_NAMESPACE
        valueFrom:
          fieldRef:
            fieldPath: metadata.namespace
      {{- with .Values.aws.endpoint_url }}
      - name: AWS_ENDPOINT_URL
        value: {{ . | quote }}
      {{- end }}
      {{- with include "devops-agent-operator.proxyEnv" . | trim }}
      {{- . | nindent 6 }}
      {{- end }}
      {{- with .Values.extraEnv }}
      {{- tpl (toYaml .) $ | nindent 6 }}
      {{- end }}
    {{- with .Values.extraEnvFrom }}
    envFrom:
      {{- tpl (toYaml .) $ | nindent 6 }}
    {{- end }}
    ports:
      - name: probes
        containerPort: {{ .Values.probes.port }}
      {{- if .Values.metrics.enabled }}
      - name: metrics
        containerPort: {{ .Values.metrics.port }}
      {{- end }}
    {{- with .Values.startupProbe }}
    {{- if .enabled }}
    startupProbe:
      httpGet:
        path: /livez
        port: probes
      {{- omit . "enabled" | toYaml | nindent 6 }}
    {{- end }}
    {{- end }}
    {{- with .Values.livenessProbe }}
    {{- if .enabled }}
    livenessProbe:
      httpGet:
        path: /livez
        port: probes
      {{- omit . "enabled" | toYaml | nindent 6 }}
    {{- end }}
    {{- end }}
    {{- with .Values.readinessProbe }}
    {{- if .enabled }}
    readinessProbe:
      httpGet:
        path: /readyz
        port: probes
      {{- omit . "enabled" | toYaml | nindent 6 }}
    {{- end }}
    {{- end }}
    {{- with .Values.resources }}
    resources:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- with include "devops-agent-operator.securityContext" (list . .Values.securityContext) | trim }}
    {{- . | nindent 4 }}
    {{- end }}
    {{- with .Values.lifecycle }}
    lifecycle:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- $ca := include "devops-agent-operator.caVolume" . | trim }}
    {{- if or $certificate $ca .Values.extraVolumeMounts }}
    volumeMounts:
      {{- if $ca }}
      - name: ca-bundle
        mountPath: {{ include "devops-agent-operator.caFolder" . }}
        readOnly: true
      {{- end }}
      {{- if $certificate }}
      - name: metrics-certificate
        mountPath: {{ $certificateFolder }}
        readOnly: true
      {{- end }}
      {{- with .Values.extraVolumeMounts }}
      {{- tpl (toYaml .) $ | nindent 6 }}
      {{- end }}
    {{- end }}
  {{- with .Values.extraContainers }}
  {{- tpl (toYaml .) $ | nindent 2 }}
  {{- end }}
{{- if or $certificate $ca .Values.extraVolumes }}
volumes:
  {{- if $ca }}
  - name: ca-bundle
    {{- $ca | nindent 4 }}
  {{- end }}
  {{- if $certificate }}
  - name: metrics-certificate
    secret:
      secretName: {{ $certificate }}
  {{- end }}
  {{- with .Values.extraVolumes }}
  {{- tpl (toYaml .) $ | nindent 2 }}
  {{- end }}
{{- end }}
{{- end }}
