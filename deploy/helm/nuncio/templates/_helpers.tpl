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

{{- define "nuncio.gracePeriod" -}}
{{- with .Values.shutdown -}}
{{- if .gracePeriodSeconds -}}{{ .gracePeriodSeconds }}
{{- else -}}{{ add .preStopSeconds .drainSeconds 10 }}
{{- end -}}
{{- end -}}
{{- end -}}
