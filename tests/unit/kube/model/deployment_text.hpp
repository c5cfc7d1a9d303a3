// A Deployment as kube-apiserver 1.36 sends it: compact, managedFields and all; and pieces of it.
#pragma once

#include <string>

namespace kube::text {

inline const std::string labels =
    R"({"app.kubernetes.io/component":"backend","app.kubernetes.io/instance":"todo","app.kubernetes.io/managed-by":"todoapp-operator","app.kubernetes.io/name":"todoapp","apps.todoapp.dev/tier":"backend"})";

inline const std::string annotations =
    R"({"apps.todoapp.dev/intent":"0f1e2d3c4b","apps.todoapp.dev/revision":"7","deployment.kubernetes.io/revision":"3","note":"a \"quoted\" <b> \u0041\n"})";

inline const std::string owners =
    R"([{"apiVersion":"v1","kind":"Other","name":"x","uid":"99999999-0000-4000-8000-000000000000"},{"apiVersion":"apps.todoapp.dev/v1alpha1","blockOwnerDeletion":true,"controller":true,"kind":"TodoAppDeployment","name":"todo","uid":"5d0c2f6a-7a3e-4a53-9a63-0f2d5c1e8b11"}])";

inline const std::string managed_fields =
    R"([{"apiVersion":"apps/v1","fieldsType":"FieldsV1","fieldsV1":{"f:metadata":{"f:annotations":{"f:apps.todoapp.dev/intent":{},"f:apps.todoapp.dev/revision":{}},"f:labels":{"f:app.kubernetes.io/component":{},"f:app.kubernetes.io/instance":{},"f:app.kubernetes.io/managed-by":{},"f:app.kubernetes.io/name":{}},"f:ownerReferences":{"k:{\"uid\":\"5d0c2f6a-7a3e-4a53-9a63-0f2d5c1e8b11\"}":{}}},"f:spec":{"f:progressDeadlineSeconds":{},"f:replicas":{},"f:selector":{},"f:strategy":{"f:rollingUpdate":{"f:maxSurge":{},"f:maxUnavailable":{}},"f:type":{}},"f:template":{"f:metadata":{"f:labels":{"f:app.kubernetes.io/component":{},"f:apps.todoapp.dev/template":{}}},"f:spec":{"f:automountServiceAccountToken":{},"f:containers":{"k:{\"name\":\"backend\"}":{".":{},"f:env":{"k:{\"name\":\"DATABASE_URL\"}":{".":{},"f:name":{},"f:valueFrom":{"f:secretKeyRef":{}}},"k:{\"name\":\"LOG_LEVEL\"}":{".":{},"f:name":{},"f:value":{}}},"f:image":{},"f:livenessProbe":{"f:httpGet":{"f:path":{},"f:port":{}}},"f:name":{},"f:ports":{"k:{\"containerPort\":8000,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{},"f:name":{}}},"f:readinessProbe":{"f:httpGet":{"f:path":{},"f:port":{}}},"f:resources":{"f:limits":{"f:cpu":{},"f:memory":{}},"f:requests":{"f:cpu":{},"f:memory":{}}},"f:securityContext":{"f:allowPrivilegeEscalation":{},"f:capabilities":{"f:drop":{}},"f:readOnlyRootFilesystem":{}},"f:volumeMounts":{"k:{\"mountPath\":\"/tmp\"}":{".":{},"f:mountPath":{},"f:name":{}}}}},"f:volumes":{"k:{\"name\":\"tmp\"}":{".":{},"f:emptyDir":{},"f:name":{}}}}}}},"manager":"todoapp-operator","operation":"Apply","time":"2026-01-31T12:00:09Z"},{"apiVersion":"apps/v1","fieldsType":"FieldsV1","fieldsV1":{"f:metadata":{"f:annotations":{"f:deployment.kubernetes.io/revision":{}}},"f:status":{"f:availableReplicas":{},"f:conditions":{".":{},"k:{\"type\":\"Available\"}":{".":{},"f:lastTransitionTime":{},"f:lastUpdateTime":{},"f:message":{},"f:reason":{},"f:status":{},"f:type":{}},"k:{\"type\":\"Progressing\"}":{".":{},"f:lastTransitionTime":{},"f:lastUpdateTime":{},"f:message":{},"f:reason":{},"f:status":{},"f:type":{}}},"f:observedGeneration":{},"f:readyReplicas":{},"f:replicas":{},"f:updatedReplicas":{}}},"manager":"kube-controller-manager","operation":"Update","subresource":"status","time":"2026-01-31T12:00:12Z"}])";

inline const std::string spec =
    R"({"progressDeadlineSeconds":600,"replicas":2,"revisionHistoryLimit":2,"selector":{"matchLabels":{"app.kubernetes.io/component":"backend","app.kubernetes.io/instance":"todo","app.kubernetes.io/name":"todoapp"}},"strategy":{"rollingUpdate":{"maxSurge":"25%","maxUnavailable":0},"type":"RollingUpdate"},"template":{"metadata":{"labels":{"app.kubernetes.io/component":"backend","app.kubernetes.io/instance":"todo","app.kubernetes.io/name":"todoapp","apps.todoapp.dev/template":"ab12cd34ef"}},"spec":{"automountServiceAccountToken":false,"containers":[{"env":[{"name":"LOG_LEVEL","value":"info"},{"name":"DATABASE_URL","valueFrom":{"secretKeyRef":{"key":"url","name":"todo-db"}}}],"image":"localhost/todo-backend:1.0.0","imagePullPolicy":"IfNotPresent","livenessProbe":{"failureThreshold":3,"httpGet":{"path":"/health","port":"http","scheme":"HTTP"},"periodSeconds":10,"successThreshold":1,"timeoutSeconds":1},"name":"backend","ports":[{"containerPort":8000,"name":"http","protocol":"TCP"}],"readinessProbe":{"failureThreshold":3,"httpGet":{"path":"/ready","port":"http","scheme":"HTTP"},"periodSeconds":10,"successThreshold":1,"timeoutSeconds":1},"resources":{"limits":{"cpu":"1","memory":"1Gi"},"requests":{"cpu":"100m","memory":"256Mi"}},"securityContext":{"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]},"readOnlyRootFilesystem":true},"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"FallbackToLogsOnError","volumeMounts":[{"mountPath":"/tmp","name":"tmp"}]}],"dnsPolicy":"ClusterFirst","restartPolicy":"Always","schedulerName":"default-scheduler","securityContext":{"runAsNonRoot":true,"runAsUser":1001,"seccompProfile":{"type":"RuntimeDefault"}},"terminationGracePeriodSeconds":30,"volumes":[{"emptyDir":{},"name":"tmp"}]}}})";

inline const std::string status =
    R"({"availableReplicas":1,"conditions":[{"lastTransitionTime":"2026-01-31T12:00:11Z","lastUpdateTime":"2026-01-31T12:00:11Z","message":"Deployment has minimum availability.","reason":"MinimumReplicasAvailable","status":"True","type":"Available"},{"lastTransitionTime":"2026-01-31T12:00:10Z","lastUpdateTime":"2026-01-31T12:00:12Z","message":"ReplicaSet \"todo-backend-5c8\" is progressing.","reason":"ReplicaSetUpdated","status":"True","type":"Progressing"}],"observedGeneration":4,"readyReplicas":2,"replicas":3,"unavailableReplicas":1,"updatedReplicas":2})";

inline const std::string metadata = R"({"annotations":)" + annotations +
                                    R"(,"creationTimestamp":"2026-01-31T12:00:10Z","generation":4,"labels":)" + labels +
                                    R"(,"managedFields":)" + managed_fields +
                                    R"(,"name":"todo-backend","namespace":"shop","ownerReferences":)" + owners +
                                    R"(,"resourceVersion":"48213","uid":"0b6a1c9e-54a7-4b2d-9d7e-2f4b8c6d1e00"})";

inline const std::string deployment = R"({"kind":"Deployment","apiVersion":"apps/v1","metadata":)" + metadata +
                                      R"(,"spec":)" + spec + R"(,"status":)" + status + "}";

inline std::string event(const std::string& type, const std::string& object) {
  return R"({"type":")" + type + R"(","object":)" + object + "}";
}

}  // namespace kube::text
