#!/bin/sh
# Builds the operator as one static file for this machine's architecture, which is what the image holds; or the plugin
# of kubectl.
#
#   build/static-binary.sh tools           installs what the build needs besides Rust, a C compiler and musl-tools
#   build/static-binary.sh dependencies    compiles what recipe.json (of cargo-chef) lists: a layer of the image
#   build/static-binary.sh binary FILE     compiles the operator, checks it, and copies it to FILE
#   build/static-binary.sh plugin FILE     the same for kubectl-devopsagent
#
# The list of its dependencies is in the binary (cargo-auditable), for scanners and for the SBOM.
set -eu
cd "$(dirname "$0")/.."

machine=$(uname -m)
target="$machine-unknown-linux-musl"
package=devops-agent-operator
plugin=kubectl-devopsagent
release="${CARGO_TARGET_DIR:-target}/$target/release"

# C code (ring's) is compiled for musl too.
variable="CC_$(echo "$target" | tr - _)"
export "$variable=musl-gcc"

fail() {
    echo "$1" >&2
    exit 1
}

# Compiles one program of the package, and checks that it runs anywhere.
compile() {
    built="$release/$1"
    cargo auditable build --release --locked --target "$target" --package "$package" --bin "$1"
    # A program that needs an interpreter or a library would not start on an image that has neither.
    if readelf --wide --program-headers "$built" | grep -q INTERP; then
        fail "$built is linked dynamically: it has an interpreter"
    fi
    if readelf --wide --dynamic "$built" | grep NEEDED; then
        fail "$built is linked dynamically: it needs the libraries above"
    fi
    readelf --wide --section-headers "$built" | grep -q '\.dep-v0' || fail "$built has no list of its dependencies"
    "$built" --version
}

case "${1:-}" in
tools)
    rustup target add "$target"
    cargo install --locked cargo-auditable@0.7.7 cargo-chef@0.1.78
    ;;
dependencies)
    cargo chef cook --release --locked --target "$target" --package "$package" --recipe-path recipe.json
    ;;
binary)
    [ $# -eq 2 ] || fail "usage: $0 binary FILE"
    compile "$package"
    "$built" crds | grep -q '^kind: CustomResourceDefinition' || fail "$built prints no CRDs"
    install -D "$built" "$2"
    ;;
plugin)
    [ $# -eq 2 ] || fail "usage: $0 plugin FILE"
    compile "$plugin"
    "$built" schema agentspace | grep -q '"title": "AgentSpace"' || fail "$built prints no schema"
    install -D "$built" "$2"
    ;;
*)
    fail "usage: $0 tools | dependencies | binary FILE | plugin FILE"
    ;;
esac
