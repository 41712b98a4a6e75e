trap 'exit 5' TERM
echo ready
while :; do sleep 0.1; done
