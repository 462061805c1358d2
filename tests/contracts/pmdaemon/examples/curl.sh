# List all processes
curl -H "Authorization: Bearer your-api-key" \
http://localhost:9615/api/processes

# Get specific process
curl -H "X-API-Key: your-api-key" \
http://localhost:9615/api/processes/my-app

# Stop a process
curl -X POST \
-H "Authorization: Bearer your-api-key" \
http://localhost:9615/api/processes/my-app/stop

# Get system information
curl -H "X-API-Key: your-api-key" \
http://localhost:9615/api/system
