# What a page's script begins with.
set -eEu -o pipefail
trap 'echo "FAILED: $PLACE: $BASH_COMMAND" >&2' ERR
PLACE=start

# Finding nothing is an answer too.
grep() { command grep "$@" || [ $? = 1 ]; }

# Tables without what differs from run to run: headers as they are, of each row the name, READY, SYNCED and REASON.
table() { awk '$1 == "NAME" { $1 = $1; print; next } NF { print $1, $2, $3, $4 }'; }

# Runs a command until it shows each line that the page does.
shows() { # command, file with what the page shows
  local end=$((SECONDS + 40)) shown missing
  while :; do
    shown=$(eval "$1" 2>&1) || true
    missing=$(table < "$2" | command grep -Fxv -f <(table <<< "$shown")) || return 0
    if [ $SECONDS -ge $end ]; then
      printf '%s\ndoes not show:\n%s\nbut:\n%s\n' "$1" "$missing" "$shown" >&2
      return 1
    fi
    sleep 0.2
  done
}

# Opens an address as a person would.
visit() { [ -z "$1" ] || command curl -fsS -o /dev/null "$1"; }

# Applies a file; namespaces that the reader has are made.
apply() {
  local namespace
  for namespace in $(sed -n 's/^  namespace: //p' "$1" | sort -u); do
    kubectl get namespace "$namespace" >/dev/null 2>&1 || kubectl create namespace "$namespace"
  done
  kubectl apply -f "$1"
}

# Removes all objects without an operator that would notice, as when a cluster is lost.
forget() {
  local kind
  helm uninstall devops-agent-operator -n devops-agent-operator --ignore-not-found --wait
  for kind in $(kubectl get crd -o name | grep -o '[^/]*[.]devopsagent[.]dev'); do
    kubectl get "$kind" -A -o json | jq -c '.items[].metadata |= del(.finalizers, .resourceVersion)' |
      kubectl replace -f - >/dev/null 2>&1 || true
    kubectl delete "$kind" --all -A >/dev/null 2>&1
  done
  kubectl delete secrets -A -l app.kubernetes.io/managed-by=devops-agent-operator >/dev/null
}

RELEASE='devops-agent-operator -n devops-agent-operator'

# What is there before the reader comes to a page: the page before may have changed the release's values.
before() { # page
  if [ -e "$CALLS.helm" ]; then
    helm upgrade --install devops-agent-operator \
    oci://ghcr.io/devops-agent-operator/charts/devops-agent-operator --namespace devops-agent-operator \
    --create-namespace --set aws.region=us-east-1 --set aws.requestsPerSecond=200 >/dev/null
    kubectl rollout status deployment/devops-agent-operator -n devops-agent-operator --timeout=90s
    rm "$CALLS.helm"
  fi
  case $1 in
    docs/src/quickstart.md)
      kubectl delete devopsagent --all -A
      kubectl delete namespace devops-agent-quickstart
      ;;
    docs/src/gitops.md)
      kubectl create namespace argocd
      kubectl create configmap argocd-cm -n argocd
      kubectl apply --server-side -f examples/gitops/
      ;;
    docs/src/install/scope.md)
      kubectl create namespace checkout
      kubectl create namespace payments
      ;;
    docs/src/install/proxy.md)
      openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 2 -subj /CN=ca 2>/dev/null
      ;;
    docs/src/use/adopt.md)
      curl -fsS "$AWS_URL/_simulator/invoke" \
        -d '{"operation": "CreateAgentSpace", "input": {"name": "Payments", "description": "Made in the console"}}'
      ;;
  esac
}
