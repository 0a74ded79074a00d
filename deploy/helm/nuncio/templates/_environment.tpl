{{/* Variables of the gateway: what the values say, and over it what the user's env says. */}}
{{- define "nuncio.environment" -}}
{{- $admin := printf "%s-admin" (include "nuncio.fullname" .) -}}
{{- $namespace := .Release.Namespace -}}
{{- $env := dict
  "AMBASSADOR_ID" .Values.ambassadorId
  "NUNCIO_ADMIN" (printf "%s:%v" (include "nuncio.adminAddress" .) .Values.admin.port)
  "NUNCIO_AUTHZ_ADMIN" "/run/nuncio/authz-admin.sock"
  "NUNCIO_ADMIN_HOST" (printf "%s,%s.%s,%s.%s.svc" $admin $admin $namespace $admin $namespace)
  "NUNCIO_DRAIN_TIME" (.Values.shutdown.drainSeconds | toString)
  "NUNCIO_LISTENER_DRAIN_TIME" (.Values.shutdown.listenerDrainSeconds | int64 | toString)
  "NUNCIO_LOG_FORMAT" .Values.log.format
  "NUNCIO_MAX_CONNECTIONS" (.Values.envoy.maxConnections | int64 | toString)
  "XDG_RUNTIME_DIR" "/run/nuncio"
-}}
{{- if .Values.admin.allowEdits }}{{ $_ := set $env "NUNCIO_ALLOW_EDITS" "true" }}{{ end -}}
{{- if .Values.admin.allowPreviews }}{{ $_ := set $env "NUNCIO_ALLOW_PREVIEWS" "true" }}{{ end -}}
{{- if .Values.portal.enabled -}}
{{- $_ := set $env "NUNCIO_ADMIN_TOKEN_FILE" "/etc/nuncio/admin/token" -}}
{{- $_ := set $env "NUNCIO_PEERS" (printf "%s-peers.%s:%v" (include "nuncio.fullname" .) $namespace .Values.admin.port) -}}
{{- $_ := set $env "NUNCIO_PORTAL_AUDIENCE" (include "nuncio.portalAudience" .) -}}
{{- end -}}
{{- if and .Values.portal.enabled .Values.portal.origins }}{{ $_ := set $env "NUNCIO_PORTAL_ORIGINS" (join "," .Values.portal.origins) }}{{ end -}}
{{- if and .Values.portal.enabled .Values.portal.assertionKeySecret }}{{ $_ := set $env "NUNCIO_AUTHZ_ASSERTION_KEY" "/etc/nuncio/assertion/key" }}{{ end -}}
{{- if .Values.scope.singleNamespace }}{{ $_ := set $env "AMBASSADOR_SINGLE_NAMESPACE" "true" }}{{ end -}}
{{- with .Values.labelSelector }}{{ $_ := set $env "AMBASSADOR_LABEL_SELECTOR" . }}{{ end -}}
{{- with .Values.envoy.concurrency }}{{ $_ := set $env "NUNCIO_CONCURRENCY" (toString .) }}{{ end -}}
{{- if .Values.envoy.routeStats }}{{ $_ := set $env "NUNCIO_ROUTE_STATS" "true" }}{{ end -}}
{{- with .Values.envoy.maxHeapMiB }}{{ $_ := set $env "NUNCIO_MAX_HEAP" (int64 . | toString) }}{{ end -}}
{{- with .Values.log.level }}{{ $_ := set $env "NUNCIO_LOG" . }}{{ end -}}
{{- if include "nuncio.webhook" . -}}
{{- $_ := set $env "NUNCIO_WEBHOOK" (printf "%s:%v" (include "nuncio.webhookAddress" .) .Values.webhook.port) -}}
{{- $_ := set $env "NUNCIO_WEBHOOK_SERVICE" .Values.webhook.serviceName -}}
{{- $_ := set $env "NUNCIO_WEBHOOK_CONFIGURATION" (include "nuncio.clusterName" .) -}}
{{- end -}}
{{- if and .Values.status.enabled .Values.service.create }}{{ $_ := set $env "NUNCIO_INGRESS_SERVICE" (include "nuncio.fullname" .) }}{{ end -}}
{{- if ne .Values.zoneRouting "hints" }}{{ $_ := set $env "NUNCIO_ZONE_ROUTING" .Values.zoneRouting }}{{ end -}}
{{- if eq .Values.zoneRouting "weighted" }}{{ $_ := set $env "NUNCIO_ZONE_WEIGHT" (toString .Values.zoneWeight) }}{{ end -}}
{{- if .Values.status.enabled -}}
{{- $_ := set $env "NUNCIO_LEASE_DURATION" (toString .Values.status.leaseDurationSeconds) -}}
{{- else -}}
{{- $_ := set $env "NUNCIO_NO_STATUS" "true" -}}
{{- end -}}
{{- range $name, $value := .Values.env }}{{ $_ := set $env $name (toString $value) }}{{ end -}}
{{- /* First, since others may name them. */ -}}
{{- range $name, $field := dict "POD_NAME" "metadata.name" "POD_NAMESPACE" "metadata.namespace" "POD_IP" "status.podIP" "NODE_NAME" "spec.nodeName" }}
- name: {{ $name }}
  valueFrom: {fieldRef: {fieldPath: {{ $field }}}}
{{- end }}
{{- range $name, $value := $env }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- if not (hasKey .Values.env "AMBASSADOR_NAMESPACE") }}
- name: AMBASSADOR_NAMESPACE
  valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
{{- end }}
{{- if not (or (eq .Values.zoneRouting "off") (hasKey .Values.env "NUNCIO_ZONE")) }}
- name: NUNCIO_ZONE
  valueFrom: {fieldRef: {fieldPath: "metadata.labels['topology.kubernetes.io/zone']"}}
{{- end }}
{{- if not (or (eq .Values.zoneRouting "off") (hasKey .Values.env "NUNCIO_NODE")) }}
- name: NUNCIO_NODE
  valueFrom: {fieldRef: {fieldPath: spec.nodeName}}
{{- end }}
{{- if not (hasKey .Values.env "OTEL_RESOURCE_ATTRIBUTES") }}
- name: OTEL_RESOURCE_ATTRIBUTES
  value: k8s.namespace.name=$(POD_NAMESPACE),k8s.pod.name=$(POD_NAME),k8s.node.name=$(NODE_NAME)
{{- end }}
{{- with .Values.envRaw }}
{{ toYaml . }}
{{- end }}
{{- end -}}
