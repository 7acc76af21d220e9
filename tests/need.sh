# Sourced by scripts. Installs Debian's packages where a tool is missing and we are root.

need() { # need COMMAND PACKAGE...
    local command=$1
    shift
    if eval "$command" >/dev/null 2>&1; then return; fi
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        echo "missing: $command (on Debian: apt-get install $*)" >&2
        exit 1
    fi
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" >/dev/null
}
