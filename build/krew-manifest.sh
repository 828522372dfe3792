#!/bin/sh
# Prints the manifest by which krew installs the plugin, for the archives of a release.
#
#   build/krew-manifest.sh VERSION FOLDER    FOLDER has kubectl-devopsagent_OS_ARCHITECTURE.tar.gz for each platform
set -eu

[ $# -eq 2 ] || {
    echo "usage: $0 VERSION FOLDER" >&2
    exit 1
}
version=$1
folder=$2
repository=https://github.com/devops-agent-operator/devops-agent-operator

cat <<END
apiVersion: krew.googlecontainertools.github.com/v1alpha2
kind: Plugin
metadata:
  name: devopsagent
spec:
  version: v$version
  homepage: https://devops-agent-operator.github.io/devops-agent-operator/ctl/
  shortDescription: Check and show what the operator for AWS DevOps Agent works on
  description: |
    For users of devops-agent-operator, which manages AWS DevOps Agent from Kubernetes. It checks files before
    they are applied, shows what became of them, and prints JSON Schemas and IAM policies for them.
  platforms:
END
for os in darwin linux; do
    for architecture in amd64 arm64; do
        archive="kubectl-devopsagent_${os}_$architecture.tar.gz"
        [ -f "$folder/$archive" ] || {
            echo "$folder/$archive is missing" >&2
            exit 1
        }
        sum=$(sha256sum "$folder/$archive" | cut -d ' ' -f 1)
        cat <<END
    - selector:
        matchLabels:
          os: $os
          arch: $architecture
      uri: $repository/releases/download/v$version/$archive
      sha256: $sum
      bin: kubectl-devopsagent
END
    done
done
