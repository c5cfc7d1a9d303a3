{{/* The name of the chart's objects: the release's own where it names the chart already. */}}
{{- define "todoapp-operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "todoapp-operator.fullname" -}}
{{- $name := include "todoapp-operator.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "todoapp-operator.chart" -}}
{{- printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* What selects the operator's pods: it never changes in a release. */}}
{{- define "todoapp-operator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "todoapp-operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: controller
{{- end -}}

{{- define "todoapp-operator.labels" -}}
helm.sh/chart: {{ include "todoapp-operator.chart" . }}
app.kubernetes.io/name: {{ include "todoapp-operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: todoapp
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "todoapp-operator.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "todoapp-operator.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "todoapp-operator.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{/* Whether /metrics speaks TLS: "true" or nothing. */}}
{{- define "todoapp-operator.metricsTls" -}}
{{- if or .Values.metrics.requireAuthorization .Values.metrics.tls.secretName -}}true{{- end -}}
{{- end -}}

{{/* The rules of the role number `at` in one of the files that the manifests consist of: (list . "files/role.yaml" 0) */}}
{{- define "todoapp-operator.rulesOf" -}}
{{- $file := (index . 0).Files.Get (index . 1) -}}
{{- $document := index (splitList "\n---\n" $file) (index . 2) | fromYaml -}}
{{- toYaml $document.rules -}}
{{- end -}}

{{- define "todoapp-operator.subject" -}}
- kind: ServiceAccount
  name: {{ include "todoapp-operator.serviceAccountName" . }}
  namespace: {{ .Release.Namespace }}
{{- end -}}
