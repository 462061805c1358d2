# Client
curl -H "Authorization: Bearer secure-key-123" \
http://localhost:9615/api/processes
