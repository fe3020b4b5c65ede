{{/* Name of the objects: the release's, with the chart's where the release's does not have it. */}}
{{- define "serin.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "serin.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{/* Cluster-wide objects: two releases of one name in two namespaces must not share them. */}}
{{- define "serin.clusterName" -}}
{{- if eq (include "serin.fullname" .) .Release.Namespace -}}
{{- include "serin.fullname" . -}}
{{- else -}}
{{- printf "%s-%s" (include "serin.fullname" .) .Release.Namespace | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "serin.selectorLabels" -}}
app.kubernetes.io/name: {{ include "serin.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "serin.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "serin.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "serin.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "serin.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "serin.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{/* What is read of the cluster and written to the objects of users: exactly what is listed and watched, nothing is read one by one. */}}
{{- define "serin.rules" -}}
# Where calls go: Services with their endpoints; versions by the labels of pods, and by their ReplicaSets.
- apiGroups: [""]
  resources: [services, pods]
  verbs: [list, watch]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [list, watch]
- apiGroups: [apps]
  resources: [replicasets]
  verbs: [list, watch]
# What configures the gateway, beside annotations of Services.
- apiGroups: [networking.k8s.io]
  resources: [ingresses]
  verbs: [list, watch]
- apiGroups: [serin.dev]
  resources: [canaries]
  verbs: [list, watch]
- apiGroups: [getambassador.io]
  resources:
    - mappings
    - tcpmappings
    - hosts
    - listeners
    - tlscontexts
    - modules
    # Guards of routes: what they would guard is not served without them.
    - authservices
    - filterpolicies
    # Not served, and each told of.
    - ratelimitservices
    - tracingservices
    - logservices
    - filters
    - ratelimits
    - consulresolvers
    - kubernetesserviceresolvers
    - kubernetesendpointresolvers
  verbs: [list, watch]
{{- with .Values.rbac.secrets }}
{{- if eq .access "all" }}
# Certificates: one by one, those that Hosts and TLSContexts name.
- apiGroups: [""]
  resources: [secrets]
  verbs: [list, watch]
{{- else if eq .access "named" }}
# Certificates, by name.
- apiGroups: [""]
  resources: [secrets]
  resourceNames: {{ toJson .names }}
  verbs: [list, watch]
{{- end }}
{{- end }}
# What is said about them: conditions and shares of Canaries, Events of mistakes and of changed weights.
- apiGroups: [serin.dev]
  resources: [canaries/status]
  verbs: [patch]
- apiGroups: [""]
  resources: [events]
  verbs: [create]
{{- if .Values.mappingStatus }}
- apiGroups: [getambassador.io]
  resources: [mappings/status]
  verbs: [patch]
{{- end }}
{{- end -}}
