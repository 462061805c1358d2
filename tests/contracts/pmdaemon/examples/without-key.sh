# Check if server is running
curl http://localhost:9615/

# Test without authentication (if no key set)
curl http://localhost:9615/api/processes
