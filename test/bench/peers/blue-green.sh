#!/bin/bash
# A deploy by blue and green, as a careful person writes it: the new one beside the old one, asked for its health, traffic
# moved, the old one stopped when nothing goes to it any more. $1: nginx or haproxy. In $BENCH_DIR: `color` says who serves.
set -eu
cd "$BENCH_DIR"
old=$(cat color)
new=blue
[ "$old" = blue ] && new=green

BENCH_SOCKET=$PWD/$new.socket setsid "$BENCH_NODE" "$BENCH_APP" >>$new.log 2>&1 </dev/null &
pid=$!
for ((try = 0; ; try++)); do
  curl -sf -o /dev/null --max-time 1 --unix-socket $new.socket http://app/healthz && break
  if ! kill -0 $pid 2>/dev/null; then
    echo "the new version has exited: $(tail -n 1 $new.log)" >&2
    exit 1
  fi
  if [ $try -ge 200 ]; then
    kill -9 $pid
    echo "the new version is not healthy" >&2
    exit 1
  fi
  sleep 0.02
done

case $1 in
  nginx)
    echo "proxy_pass http://unix:$PWD/$new.socket:;" >upstream.tmp
    mv upstream.tmp upstream.conf
    master=$(cat nginx.pid)
    workers=$(cat /proc/"$master"/task/"$master"/children)
    kill -HUP "$master" # nginx -s reload
    # The old workers go on with the requests that they have, and exit.
    for worker in $workers; do
      while kill -0 "$worker" 2>/dev/null; do sleep 0.02; done
    done
    ;;
  haproxy)
    ask() { socat - UNIX-CONNECT:haproxy.admin <<<"$1"; }
    ask "set server app/$new state ready" >/dev/null
    ask "set server app/$old state drain" >/dev/null
    until [ "$(ask 'show stat' | awk -F, -v old=$old '$1 == "app" && $2 == old { print $3 + $5 }')" = 0 ]; do sleep 0.02; done
    ;;
esac
kill "$(cat $old.pid)"
echo $pid >$new.pid
echo $new >color
