{{/* The pod of the Deployment or DaemonSet. */}}
{{- define "nuncio.pod" -}}
metadata:
  labels:
    {{- include "nuncio.labels" . | nindent 4 }}
    app.kubernetes.io/component: gateway
    {{- with .Values.podLabels }}{{ toYaml . | nindent 4 }}{{ end }}
  annotations:
    kubectl.kubernetes.io/default-container: nuncio
    {{- with .Values.podAnnotations }}{{ toYaml . | nindent 4 }}{{ end }}
spec:
  serviceAccountName: {{ include "nuncio.serviceAccount" . }}
  terminationGracePeriodSeconds: {{ include "nuncio.gracePeriod" . }}
  {{- with .Values.podSecurityContext }}
  securityContext: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if .Values.hostNetwork }}
  hostNetwork: true
  {{- end }}
  {{- with default (ternary "ClusterFirstWithHostNet" "" .Values.hostNetwork) .Values.dnsPolicy }}
  dnsPolicy: {{ . }}
  {{- end }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if not .Values.daemonSet }}
  {{- with .Values.topologySpreadConstraints }}
  topologySpreadConstraints:
    {{- range . }}
    {{- $own := dict "labelSelector" (dict "matchLabels" (include "nuncio.selector" $ | fromYaml)) "matchLabelKeys" (list "pod-template-hash") }}
  - {{ ternary . (merge (dict) . $own) (hasKey . "labelSelector") | toYaml | nindent 4 | trim }}
    {{- end }}
  {{- end }}
  {{- end }}
  {{- with .Values.initContainers }}
  initContainers: {{- toYaml . | nindent 2 }}
  {{- end }}
  containers:
  - name: nuncio
    image: {{ include "nuncio.image" . | quote }}
    imagePullPolicy: {{ .Values.image.pullPolicy }}
    args:
    - up
    - --kubernetes
    {{- with .Values.extraArgs }}{{ toYaml . | nindent 4 }}{{ end }}
    env: {{- include "nuncio.environment" . | trim | nindent 4 }}
    {{- with .Values.envFrom }}
    envFrom: {{- toYaml . | nindent 4 }}
    {{- end }}
    ports:
    {{- range .Values.service.ports }}
    - name: {{ .name }}
      containerPort: {{ .targetPort }}
      protocol: {{ default "TCP" .protocol }}
      {{- with .hostPort }}
      hostPort: {{ . }}
      {{- end }}
    {{- end }}
    - name: admin
      containerPort: {{ .Values.admin.port }}
    {{- if include "nuncio.webhook" . }}
    - name: webhook
      containerPort: {{ .Values.webhook.port }}
    {{- end }}
    livenessProbe:
      httpGet:
        path: /ambassador/v0/check_alive
        {{- include "nuncio.probe" . | nindent 8 }}
      {{- toYaml .Values.livenessProbe | nindent 6 }}
    readinessProbe:
      httpGet:
        path: /ambassador/v0/check_ready
        {{- include "nuncio.probe" . | nindent 8 }}
      {{- toYaml .Values.readinessProbe | nindent 6 }}
    {{- with .Values.shutdown.preStopSeconds }}
    lifecycle:
      preStop: {sleep: {seconds: {{ . }}}}
    {{- end }}
    {{- with .Values.securityContext }}
    securityContext: {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- with .Values.resources }}
    resources: {{- toYaml . | nindent 6 }}
    {{- end }}
    volumeMounts:
    - {name: run, mountPath: /run/nuncio}
    {{- if .Values.portal.enabled }}
    - {name: admin-token, mountPath: /etc/nuncio/admin, readOnly: true}
    {{- end }}
    {{- if and .Values.portal.enabled .Values.portal.assertionKeySecret }}
    - {name: assertion-key, mountPath: /etc/nuncio/assertion, readOnly: true}
    {{- end }}
    {{- with .Values.volumeMounts }}{{ toYaml . | nindent 4 }}{{ end }}
  {{- with .Values.extraContainers }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  volumes:
  - name: run
    emptyDir: {medium: Memory, sizeLimit: 16Mi}
  {{- if .Values.portal.enabled }}
  - name: admin-token
    secret: {secretName: {{ include "nuncio.adminTokenSecret" . }}}
  {{- end }}
  {{- if and .Values.portal.enabled .Values.portal.assertionKeySecret }}
  - name: assertion-key
    secret: {secretName: {{ .Values.portal.assertionKeySecret }}}
  {{- end }}
  {{- with .Values.volumes }}{{ toYaml . | nindent 2 }}{{ end }}
{{- end -}}
