# Runs a server of other people's for tests. Each line of standard input is a command; it is answered `done` or `failed`.
#
# Standard input ends when the test process does, whatever it died of: then the server is stopped and its directory goes.
dir=$1 stop=$2

# Neither PostgreSQL nor PgBouncer runs as root.
if [ "$(id -u)" -eq 0 ]; then
    chown -R postgres: "$dir"
    exec setpriv --reuid=postgres --regid=postgres --init-groups sh "$dir/supervise.sh" "$dir" "$stop"
fi

# Debian keeps the server's programs out of the search path, one directory for each version.
debian=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
PATH=${debian:+$debian:}$PATH:/usr/sbin
cd "$dir" || exit 1

while read -r line; do
    if (eval "$line") </dev/null >>log 2>&1; then echo done; else echo failed; fi
done
(eval "$stop") </dev/null >>log 2>&1
cd / && rm -rf "$dir"
