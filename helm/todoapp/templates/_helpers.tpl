{{- define "todoapp.name" -}}
{{- default .Release.Name .Values.nameOverride -}}
{{- end -}}

{{- define "todoapp.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/name: todoapp
app.kubernetes.io/instance: {{ include "todoapp.name" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: todoapp
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{/* One string of an image's parts: (list . "frontend") */}}
{{- define "todoapp.image" -}}
{{- $image := (index (index . 0).Values (index . 1)).image -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $image.repository $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $image.repository (default (index . 0).Chart.AppVersion $image.tag) -}}
{{- end -}}
{{- end -}}

{{/* A map without the keys that say nothing: null, "", {} and []. What is 0 or false says something. */}}
{{- define "todoapp.said" -}}
{{- $said := dict -}}
{{- range $key, $value := . -}}
{{- if or (has (kindOf $value) (list "bool" "int" "int64" "float64")) (not (empty $value)) -}}
{{- $_ := set $said $key $value -}}
{{- end -}}
{{- end -}}
{{- toYaml $said -}}
{{- end -}}

{{/* A tier as in the API: (list . "frontend") */}}
{{- define "todoapp.tier" -}}
{{- $tier := index (index . 0).Values (index . 1) -}}
{{- include "todoapp.said" (merge (dict "image" (include "todoapp.image" .)) (omit $tier "image")) -}}
{{- end -}}

{{/* The rest of the spec. */}}
{{- define "todoapp.settings" -}}
{{- include "todoapp.said" (omit .Values "global" "nameOverride" "labels" "annotations" "keep" "frontend" "backend") -}}
{{- end -}}
