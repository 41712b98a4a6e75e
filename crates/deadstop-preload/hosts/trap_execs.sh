trap 'exec sleep 600' TERM
echo ready
while :; do sleep 0.1; done
