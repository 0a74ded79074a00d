{{- define "nuncio.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- $full | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* What is in no namespace is named after the one that it is for. */}}
{{- define "nuncio.clusterName" -}}
{{ include "nuncio.fullname" . }}-{{ .Release.Namespace }}
{{- end -}}

{{- define "nuncio.selector" -}}
app.kubernetes.io/name: nuncio
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: gateway
{{- end -}}

{{- define "nuncio.labels" -}}
app.kubernetes.io/name: nuncio
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/part-of: nuncio
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end -}}

{{- define "nuncio.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{ default (include "nuncio.fullname" .) .Values.serviceAccount.name }}
{{- else -}}
{{ default "default" .Values.serviceAccount.name }}
{{- end -}}
{{- end -}}

{{- define "nuncio.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}{{ .repository }}@{{ .digest }}
{{- else -}}{{ .repository }}:{{ default $.Chart.AppVersion .tag }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Whether there is a webhook: its configuration is in no namespace. */}}
{{- define "nuncio.webhook" -}}
{{- if and .Values.webhook.enabled (not .Values.scope.singleNamespace) -}}true{{- end -}}
{{- end -}}

{{/* Where diagnostics are served: on the node's network by default to the node alone. */}}
{{- define "nuncio.adminAddress" -}}
{{- default (ternary "127.0.0.1" "0.0.0.0" .Values.hostNetwork) .Values.admin.bindAddress -}}
{{- end -}}

{{/* That address if nobody beyond the node reaches it. */}}
{{- define "nuncio.adminLoopback" -}}
{{- include "nuncio.adminAddress" . | trimAll "[]" | regexFind "^(127\\..*|::1|localhost)$" -}}
{{- end -}}

{{/* Whether there is a Service of diagnostics: not where it would lead nowhere. */}}
{{- define "nuncio.adminService" -}}
{{- if and .Values.adminService.create (not (include "nuncio.adminLoopback" .)) -}}true{{- end -}}
{{- end -}}

{{/* Where the API server finds the webhook. */}}
{{- define "nuncio.webhookAddress" -}}
{{- default (ternary "$(POD_IP)" "0.0.0.0" .Values.hostNetwork) .Values.webhook.bindAddress -}}
{{- end -}}

{{- define "nuncio.probe" -}}
port: admin
{{- with include "nuncio.adminLoopback" . }}
host: {{ . | quote }}
{{- end }}
{{- end -}}

{{- define "nuncio.gracePeriod" -}}
{{- with .Values.shutdown -}}
{{- if .gracePeriodSeconds -}}{{ .gracePeriodSeconds }}
{{- else -}}{{ add .preStopSeconds .drainSeconds 10 }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The Secret with the token by which diagnostics know the portal. */}}
{{- define "nuncio.adminTokenSecret" -}}
{{- default (printf "%s-admin-token" (include "nuncio.fullname" .)) .Values.portal.adminTokenSecret -}}
{{- end -}}

{{/* What Mappings may call the portal. */}}
{{- define "nuncio.portalAudience" -}}
{{- $name := printf "%s-portal" (include "nuncio.fullname" .) -}}
{{- $own := list (printf "%s.%s:%v" $name .Release.Namespace .Values.portal.port) (printf "%s:%v" $name .Values.portal.port) -}}
{{- join "," (concat $own (.Values.portal.audiences | default list)) -}}
{{- end -}}
